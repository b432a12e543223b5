// SPDX-License-Identifier: Apache-2.0
/*
 * <tchar.h> for unchanged Windows sources: the names that stand for char functions. Their wide forms, under
 * UNICODE, are not offered: WCHAR has 16 bits here, and the host's wide functions have 32.
 */
#ifndef JOINLEAF_COMPAT_TCHAR_H
#define JOINLEAF_COMPAT_TCHAR_H

#include "windows.h"

#define _T(literal) TEXT(literal)
#define _TEXT(literal) TEXT(literal)

#ifndef UNICODE
#define _tmain main
#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf sprintf
#define _sntprintf _snprintf
#define _vftprintf vfprintf
#define _tcslen strlen
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcscmp strcmp
#define _tcsicmp _stricmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcstoul strtoul
#define _tcstol strtol
#define _ttoi atoi
#define _tstoi atoi
#define _fgetts fgets
#define _puttchar putchar
#define _putts puts
#endif

#endif /* JOINLEAF_COMPAT_TCHAR_H */
