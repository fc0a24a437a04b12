// Linked into a program, this ends it through `gpt_out_of_memory` (CKernels) where memory cannot be allocated, whatever
// requested it. Swift's runtime otherwise prints the stack and traps when there is no memory for an array or an object.
//
// There is nothing to call.
