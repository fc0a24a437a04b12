// Activation functions and their derivatives.
//
// GELU in the form of the original GPT-2 code: x s(u) with u = 2 sqrt(2/pi) (x + 0.044715 x^3), s the logistic
// function. That equals x/2 (1 + tanh(u/2)), without the cancellation. Its derivative is s + x s (1 - s) u'. SiLU is x
// s(x), and its derivative s (1 + x (1 - s)). Exact GELU is x P(x), P the distribution function of the normal
// distribution, and its derivative P(x) + x p(x), p its density.
//
// Included by kernel files within each_instruction_set.h.

#define GELU_SLOPE 1.5957691216057308f
#define GELU_CUBIC 0.044715f

// P(x), largest error 6e-8, and exp(-x^2 / 2). For z = |x| the tail 1 - P(z) is exp(-z^2 / 2) times a polynomial in
// 1 / (1 + 0.28 z) (the form of Hastings, 1955), fitted to erfcx with an error of 2e-8.
ALWAYS_INLINE vf NAME(normal_distribution)(vf x, vf *exponential) {
    vf t = reciprocal(1.0f + 0.28f * vmax(x, -x));
    vf density = *exponential = vexp(-0.5f * (x * x));
    vf polynomial = t * -0.10655400433f + 0.39296607087f;
    polynomial = polynomial * t - 0.24209029932f;
    polynomial = polynomial * t + 0.27308413757f;
    polynomial = polynomial * t + 0.06579897936f;
    polynomial = polynomial * t + 0.11679510109f;
    vf tail = polynomial * t * density;
    return select_positive(x, 1.0f - tail, tail);
}

// (1 - e) / (1 + e) with e = exp(-2 |x|), and the sign of x: largest error 1e-7.
ALWAYS_INLINE vf NAME(hyperbolic_tangent)(vf x) {
    vf exponential = vexp(-2.0f * vmax(x, -x));
    vf y = (1.0f - exponential) * reciprocal(1.0f + exponential);
    return select_positive(x, y, -y);
}

ALWAYS_INLINE vf NAME(activate)(int32_t activation, vf x) {
    switch (activation) {
    case GPT_GELU: return x * vlogistic(x * (GELU_SLOPE + GELU_SLOPE * GELU_CUBIC * (x * x)));
    case GPT_SILU: return x * vlogistic(x);
    case GPT_EXACT_GELU: {
        vf exponential;
        return x * NAME(normal_distribution)(x, &exponential);
    }
    case GPT_TANH: return NAME(hyperbolic_tangent)(x);
    case GPT_RELU: return vmax(splat(0), x);    // in this order, NaN stays NaN
    default: return x;
    }
}

// The derivative at x; `value` receives the activation of x.
ALWAYS_INLINE vf NAME(derivative)(int32_t activation, vf x, vf *value) {
    switch (activation) {
    case GPT_GELU: {
        vf square = x * x;
        vf s = vlogistic(x * (GELU_SLOPE + GELU_SLOPE * GELU_CUBIC * square));
        vf y = *value = x * s;
        return y * (1.0f - s) * (GELU_SLOPE + 3 * GELU_SLOPE * GELU_CUBIC * square) + s;
    }
    case GPT_SILU: {
        vf s = vlogistic(x);
        *value = x * s;
        return s * (1.0f + x * (1.0f - s));
    }
    case GPT_EXACT_GELU: {
        vf exponential, p = NAME(normal_distribution)(x, &exponential);
        *value = x * p;
        return x * exponential * 0.3989422804f + p;    // 1 / sqrt(2 pi)
    }
    case GPT_TANH: {
        vf y = *value = NAME(hyperbolic_tangent)(x);
        return 1.0f - y * y;
    }
    case GPT_RELU: *value = vmax(splat(0), x); return select_positive(x, splat(1), splat(0));
    default: *value = x; return splat(1);
    }
}

#undef GELU_SLOPE
#undef GELU_CUBIC
