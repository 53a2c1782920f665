// Memory that was freed, and that the allocator keeps for the next ones, given back to the system.
#pragma once

namespace arctic {

/// Takes milliseconds for every 100 MiB or so, in which other threads may wait for the allocator:
/// to be called after much was freed. glibc: malloc_trim(3).
void give_free_memory_back();

}  // namespace arctic
