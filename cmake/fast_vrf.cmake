# SPDX-License-Identifier: Apache-2.0
# lib/crypto/ed25519 multiplies 64-bit numbers into __int128: without that type only the reference is left.
include(CheckTypeSize)

check_type_size(__int128 KT_INT128 LANGUAGE C)
if(KT_FAST_VRF AND NOT (HAVE_KT_INT128 AND CMAKE_SIZEOF_VOID_P EQUAL 8))
  message(STATUS "fast VRF: needs a 64-bit compiler with __int128, left out")
  set(KT_FAST_VRF OFF)
endif()

# lanes.c is compiled for processors with AVX-512 IFMA, and called on no other.
include(CheckCSourceCompiles)
set(KT_VRF_LANES_FLAGS -mavx512f -mavx512ifma)
string(REPLACE ";" " " CMAKE_REQUIRED_FLAGS "${KT_VRF_LANES_FLAGS}")
# Not whether it takes the flags: a compiler for another processor may ignore them.
check_c_source_compiles("
  #ifndef __AVX512IFMA__
  #error
  #endif
  #include <immintrin.h>
  int main(void) { return __builtin_cpu_supports(\"avx512ifma\") ? 1 : 0; }" HAVE_KT_VRF_LANES)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT (KT_FAST_VRF AND HAVE_KT_VRF_LANES))
  set(KT_VRF_LANES OFF)
endif()
