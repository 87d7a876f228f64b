// Prints the schemas that follow from the tables of the resources; tools/openapi/assemble.py puts them into
// the document.
#include <iostream>

#include "api/schemas.hpp"

int main() { std::cout << api::table_schemas() << '\n'; }
