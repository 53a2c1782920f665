#include "runtime/io/free_memory.h"

#include <malloc.h>

namespace arctic {

void give_free_memory_back() { ::malloc_trim(0); }

}  // namespace arctic
