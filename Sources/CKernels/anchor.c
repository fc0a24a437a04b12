void gpt_kernels_anchor(void); void gpt_kernels_anchor(void) {}
