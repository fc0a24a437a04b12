// In a program that links this module, every failed allocation ends the process through `gpt_out_of_memory` (CKernels).
// Otherwise Swift's runtime prints the stack and traps when there is no memory for an array or an object.
//
// There is nothing to call.
