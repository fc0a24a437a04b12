#ifndef GPT_NATURAL_LOG_H
#define GPT_NATURAL_LOG_H

#include <math.h>

// ln x for a normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt 2), ln m = 2 artanh((m - 1) / (m + 1)) by its series.
static inline double natural_log(double x) {
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) m *= 2, e -= 1;
    const double z = (m - 1) / (m + 1), z2 = z * z;
    double series = 0;
    for (int n = 21; n >= 1; n -= 2) series = series * z2 + 1.0 / n;
    return e * 0.69314718055994531 + 2 * z * series;
}

#endif
