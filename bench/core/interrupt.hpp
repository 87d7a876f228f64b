// Being asked to end: SIGINT and SIGTERM.
#pragma once

namespace bench {

/// From now on SIGINT and SIGTERM end a run in order (the servers are stopped, the data removed) by an
/// exception.
void catch_interrupts();
bool interrupted();

}  // namespace bench
