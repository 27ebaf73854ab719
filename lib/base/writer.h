#include <kt/writer.h>
