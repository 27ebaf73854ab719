/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a header public: every declaration stands between KT_API_BEGIN and KT_API_END.
 *
 * These symbols, and no others, are exported by libkt.so (everything else is compiled with hidden visibility), and C++
 * sees them with C linkage. An array parameter that must have n elements is written x[KT_AT_LEAST n]; C++ has no such
 * notation. */
#ifndef KT_API_H
#define KT_API_H

#ifdef __cplusplus
#define KT_API_BEGIN                                 \
  _Pragma("GCC visibility push(default)") extern "C" \
  {
#define KT_API_END \
  }                \
  _Pragma("GCC visibility pop")
#define KT_AT_LEAST
#else
#define KT_API_BEGIN _Pragma("GCC visibility push(default)")
#define KT_API_END _Pragma("GCC visibility pop")
#define KT_AT_LEAST static
#endif

#endif
