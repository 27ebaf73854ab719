# SPDX-License-Identifier: Apache-2.0
# lib/crypto/ed25519 multiplies 64-bit numbers into __int128: without that type only the reference is left.
include(CheckTypeSize)

check_type_size(__int128 KT_INT128 LANGUAGE C)
if(KT_FAST_VRF AND NOT (HAVE_KT_INT128 AND CMAKE_SIZEOF_VOID_P EQUAL 8))
  message(STATUS "fast VRF: needs a 64-bit compiler with __int128, left out")
  set(KT_FAST_VRF OFF)
endif()

# lanes.c is compiled for processors with AVX-512 IFMA, and called on no other.
include(CheckCCompilerFlag)
check_c_compiler_flag("-mavx512f -mavx512ifma" HAVE_KT_VRF_LANES_FLAGS)
if(NOT (KT_FAST_VRF AND HAVE_KT_VRF_LANES_FLAGS))
  set(KT_VRF_LANES OFF)
endif()
if(KT_VRF_LANES)
  set(KT_VRF_LANES_FLAGS -mavx512f -mavx512ifma)
endif()
