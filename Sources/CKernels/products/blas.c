// c = a b by Accelerate's sgemm, and the epilogue by our own kernel.

#include "blas.h"
#include "elementwise.h"

#include <stddef.h>

#if defined(__APPLE__)

#define ACCELERATE_NEW_LAPACK    // the interface that is not deprecated
#include <Accelerate/Accelerate.h>

bool gpt_has_blas(void) { return true; }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

void gpt_matmul_run_by_blas(gpt_execution execution, const gpt_matmul *m) {
    const bool a_by_rows = m->a_column == 1, b_by_rows = m->b_column == 1;
    const bool can_sum_columns = b_by_rows && m->b_row == m->n;
    // A single row gains nothing from a matrix unit, and a product over nothing, which is its epilogue, has a leading
    // dimension of 0, which BLAS refuses.
    if (m->precision != GPT_FLOAT32 || m->m <= 1 || m->k == 0 || (m->column_sums && !can_sum_columns)) {
        gpt_matmul_run(execution, m);
        return;
    }
    // One stride of each factor is 1. If it is the stride between columns, the matrix is stored row by row, else its
    // transpose is. The other stride is the leading dimension. BLAS requires it to be at least the length of a row,
    // even where there is only one row and the stride has no effect.
    cblas_sgemm(
        CblasRowMajor, a_by_rows ? CblasNoTrans : CblasTrans, b_by_rows ? CblasNoTrans : CblasTrans,
        (__LAPACK_int)m->m, (__LAPACK_int)m->n, (__LAPACK_int)m->k, 1.0f,
        m->a, (__LAPACK_int)(a_by_rows ? larger(m->a_row, m->k) : larger(m->a_column, m->m)),
        m->b, (__LAPACK_int)(b_by_rows ? larger(m->b_row, m->n) : larger(m->b_column, m->k)),
        m->accumulate ? 1.0f : 0.0f, m->c, (__LAPACK_int)larger(m->c_row, m->n));
    if (m->column_sums) gpt_column_sums(execution, m->k, m->n, m->b, m->column_sums, m->add_column_sums);
    if (gpt_has_epilogue(m)) {
        // A product with k = 0, accumulated to c, is the epilogue alone.
        gpt_matmul rest = *m;
        rest.k = 0;
        rest.accumulate = true;
        rest.column_sums = NULL;
        rest.packed_b = NULL;
        gpt_matmul_run(execution, &rest);
    }
}

#else

bool gpt_has_blas(void) { return false; }

void gpt_matmul_run_by_blas(gpt_execution execution, const gpt_matmul *m) { gpt_matmul_run(execution, m); }

#endif
