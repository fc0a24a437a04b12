// A stand-in for Apple's library, so that blas.c can be compiled as on Apple's systems and run elsewhere: cblas_sgemm
// with the types of Apple's header and the conditions of the reference BLAS.
#ifndef ACCELERATE_STAND_IN_H
#define ACCELERATE_STAND_IN_H

#include <stdlib.h>

typedef int __LAPACK_int;

enum CBLAS_ORDER { CblasRowMajor = 101, CblasColMajor = 102 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112, CblasConjTrans = 113 };

// C (M, N) = alpha op(A) op(B) + beta C, row by row. With beta 0 what is in C is not read.
static void cblas_sgemm(
    const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE transposes_a, const enum CBLAS_TRANSPOSE transposes_b,
    const __LAPACK_int m, const __LAPACK_int n, const __LAPACK_int k, const float alpha, const float *a,
    const __LAPACK_int lda, const float *b, const __LAPACK_int ldb, const float beta, float *c,
    const __LAPACK_int ldc) {
    const int width_a = transposes_a == CblasNoTrans ? k : m, width_b = transposes_b == CblasNoTrans ? n : k;
    if (order != CblasRowMajor || m < 0 || n < 0 || k < 0 || lda < (width_a > 1 ? width_a : 1)
        || ldb < (width_b > 1 ? width_b : 1) || ldc < (n > 1 ? n : 1))
        abort();
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
        for (int p = 0; p < k; p++) {
            const float x = alpha * (transposes_a == CblasNoTrans ? a[i * lda + p] : a[p * lda + i]);
            for (int j = 0; j < n; j++)
                c[i * ldc + j] += x * (transposes_b == CblasNoTrans ? b[p * ldb + j] : b[j * ldb + p]);
        }
    }
}

#endif
