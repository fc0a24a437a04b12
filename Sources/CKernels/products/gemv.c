// Products of few rows with a weight, by the layout of the weight. Only how W is read determines their speed.
//
// How k is divided depends on the shape alone, and each output element is summed in ascending order of k within a chunk
// or block, so the bits depend neither on the number of threads nor on the number of rows.

#include "gemv_kinds.h"

void gpt_gemv_run(gpt_execution execution, const gpt_gemv *m) {
    if (m->m <= 0 || m->n <= 0) return;
    if (m->weight == GPT_WEIGHT_FLOAT32) gpt_gemv_float(execution, m);
    else gpt_gemv_packed(execution, m);
}
