// The file of vectors; its form is described in Tests/Kernels/Vectors/VectorFile.swift.

#include "driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

vector_file open_vectors(const char *path) {
    const int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) die("%s: cannot be read", path);
    const char *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (at == MAP_FAILED || status.st_size < 8 || memcmp(at, "GPTKVEC1", 8) != 0)
        die("%s: not a file of KernelVectors", path);
    return (vector_file){.at = at + 8, .end = at + status.st_size};
}

// The next `size` bytes, and what aligns the rest.
static const void *take(vector_file *file, int64_t size) {
    const void *taken = file->at;
    if (size < 0 || size > file->end - file->at) die("the file of vectors ends too early");
    file->at += (size + 7) / 8 * 8;
    return taken;
}

static int64_t take_number(vector_file *file) { return *(const int64_t *)take(file, 8); }

static const char *take_text(vector_file *file) { return take(file, take_number(file) + 1); }

static int64_t size_of_type(int64_t type) {
    switch (type) {
    case 'f': case 'w': return 4;
    case 'd': case 'i': return 8;
    case 'b': return 1;
    default: die("the file of vectors has numbers of an unknown type");
    }
}

bool next_case(vector_file *file, vector_case *vector) {
    if (file->at >= file->end) return false;
    vector->kind = take_text(file);
    vector->title = take_text(file);
    vector->name = take_text(file);
    vector->count = take_number(file);
    if (vector->count > MOST_FIELDS) die("%s: too many fields", vector->name);
    for (int64_t i = 0; i < vector->count; i++) {
        vector_field *field = &vector->fields[i];
        field->name = take_text(file);
        field->type = take_number(file);
        field->count = take_number(file);
        field->numbers = take(file, field->count * size_of_type(field->type));
    }
    return true;
}

static const vector_field *find(const vector_case *vector, const char *name) {
    for (int64_t i = 0; i < vector->count; i++)
        if (strcmp(vector->fields[i].name, name) == 0) return &vector->fields[i];
    return NULL;
}

static const void *numbers(const vector_case *vector, const char *name, char type, int64_t *count) {
    const vector_field *field = find(vector, name);
    if (!field || field->type != type) die("%s: has no field '%s' of type %c", vector->name, name, type);
    if (count) *count = field->count;
    return field->numbers;
}

bool has(const vector_case *vector, const char *name) { return find(vector, name) != NULL; }

const float *floats(const vector_case *vector, const char *name, int64_t *count) {
    return numbers(vector, name, 'f', count);
}

const float *optional_floats(const vector_case *vector, const char *name) {
    return has(vector, name) ? floats(vector, name, NULL) : NULL;
}

const double *doubles(const vector_case *vector, const char *name, int64_t *count) {
    return numbers(vector, name, 'd', count);
}

const int64_t *integers(const vector_case *vector, const char *name, int64_t *count) {
    return numbers(vector, name, 'i', count);
}

const int32_t *words(const vector_case *vector, const char *name, int64_t *count) {
    return numbers(vector, name, 'w', count);
}

const int32_t *optional_words(const vector_case *vector, const char *name) {
    return has(vector, name) ? words(vector, name, NULL) : NULL;
}

const int8_t *bytes(const vector_case *vector, const char *name, int64_t *count) {
    return numbers(vector, name, 'b', count);
}

int64_t integer(const vector_case *vector, const char *name) { return integers(vector, name, NULL)[0]; }

double number(const vector_case *vector, const char *name) { return doubles(vector, name, NULL)[0]; }

const char *numbered(const char *name, int64_t i) {
    static char text[64];
    snprintf(text, sizeof text, "%s%lld", name, (long long)i);
    return text;
}
