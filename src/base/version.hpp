// The version of this build.
#pragma once

#define CROSSDOCK_VERSION "0.1.0"
