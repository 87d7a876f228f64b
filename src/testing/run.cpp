#include "testing/run.hpp"
