// Undoes gemm_core.h.
#undef tile
#undef pack_panel
#undef run_tile
#undef edge_tile
#undef round_row
#undef multiply_packed
#undef PADDED
#undef PANEL
