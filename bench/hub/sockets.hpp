// How many sockets of this machine lead to given ports, asked of the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// Sockets of any process that are connected, or being connected, to one of the ports; those of the ports'
/// own side do not count, nor those that wait out their time after the end. Throws where the kernel does not
/// tell.
std::size_t count_sockets_to(const std::vector<std::uint16_t>& ports);

}  // namespace bench
