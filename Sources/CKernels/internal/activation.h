// Activation functions and their derivatives.
//
// GELU in the form of the original GPT-2 code: x s(u) with u = 2 sqrt(2/pi) (x + 0.044715 x^3), s the logistic
// function. That equals x/2 (1 + tanh(u/2)), without the cancellation. Its derivative is s + x s (1 - s) u'. SiLU is x
// s(x), and its derivative s (1 + x (1 - s)).
//
// Included by kernel files within each_instruction_set.h.

#define GELU_SLOPE 1.5957691216057308f
#define GELU_CUBIC 0.044715f

ALWAYS_INLINE vf NAME(activate)(int32_t activation, vf x) {
    switch (activation) {
    case GPT_GELU: return x * vlogistic(x * (GELU_SLOPE + GELU_SLOPE * GELU_CUBIC * (x * x)));
    case GPT_SILU: return x * vlogistic(x);
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
    case GPT_RELU: *value = vmax(splat(0), x); return select_positive(x, splat(1), splat(0));
    default: *value = x; return splat(1);
    }
}

#undef GELU_SLOPE
#undef GELU_CUBIC
