// Undoes gemm_core.h.
#undef words_of
#undef rounded_word
#undef multiply_words
#undef save_row
#undef tile_steps
#undef tile
#undef pack_panel
#undef run_tile
#undef edge_tile
#undef round_row
#undef multiply_packed
#undef PADDED
#undef PANEL
#undef IS_PAIRED
#undef STEPS
