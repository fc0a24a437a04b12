/// The names of a transformer's parameters in a checkpoint, without the suffixes `.weight` and `.bias`.
package struct ParameterNames: Sendable {
    // MARK: The model

    package var tokenEmbedding: String
    package var positionEmbedding: String
    /// The prefix of the blocks, before their number.
    package var blocks: String
    package var finalNorm: String
    package var classifier: String

    // MARK: A block

    package var attentionNorm: String
    package var attention: String
    /// Attention to another sequence, and its norm.
    package var crossAttentionNorm: String
    package var crossAttention: String
    package var feedForwardNorm: String
    package var feedForward: String

    // MARK: Attention

    /// One layer for queries, keys and values.
    package var queryKeyValue: String
    package var query: String
    package var key: String
    package var value: String
    package var attentionProjection: String
    package var queryNorm: String
    package var keyNorm: String

    // MARK: The feed-forward network

    package var gate: String
    package var expansion: String
    package var projection: String

    /// Hugging Face's names for Llama, which most later models share. Its parts that have no name there are named as in
    /// Phi-3 (`qkv_proj`) or by analogy (`embed_positions`).
    package static let llama = ParameterNames(
        tokenEmbedding: "model.embed_tokens", positionEmbedding: "model.embed_positions", blocks: "model.layers",
        finalNorm: "model.norm", classifier: "lm_head",
        attentionNorm: "input_layernorm", attention: "self_attn", crossAttentionNorm: "encoder_attn_layer_norm",
        crossAttention: "encoder_attn", feedForwardNorm: "post_attention_layernorm", feedForward: "mlp",
        queryKeyValue: "qkv_proj", query: "q_proj", key: "k_proj", value: "v_proj", attentionProjection: "o_proj",
        queryNorm: "q_norm", keyNorm: "k_norm",
        gate: "gate_proj", expansion: "up_proj", projection: "down_proj")

    /// Hugging Face's names for GPT-2; for the parts that GPT-2 does not have, Llama's.
    package static let gpt2: ParameterNames = {
        var names = llama
        names.tokenEmbedding = "transformer.wte"
        names.positionEmbedding = "transformer.wpe"
        names.blocks = "transformer.h"
        names.finalNorm = "transformer.ln_f"
        names.attentionNorm = "ln_1"
        names.attention = "attn"
        names.feedForwardNorm = "ln_2"
        names.queryKeyValue = "c_attn"
        names.attentionProjection = "c_proj"
        names.expansion = "c_fc"
        names.projection = "c_proj"
        return names
    }()

    /// Hugging Face's names for BERT, whose layers are parts of the model without a prefix (`BertModel`).
    package static let bert: ParameterNames = {
        var names = llama
        names.tokenEmbedding = "embeddings.word_embeddings"
        names.positionEmbedding = "embeddings.position_embeddings"
        names.blocks = "encoder.layer"
        names.classifier = "classifier"
        names.attention = "attention"
        names.attentionNorm = "attention.output.LayerNorm"
        names.feedForward = ""
        names.feedForwardNorm = "output.LayerNorm"
        names.query = "self.query"
        names.key = "self.key"
        names.value = "self.value"
        names.attentionProjection = "output.dense"
        names.expansion = "intermediate.dense"
        names.projection = "output.dense"
        return names
    }()

    /// Hugging Face's names for Marian.
    package static let marian: ParameterNames = {
        var names = llama
        names.tokenEmbedding = "model.shared"
        names.attentionNorm = "self_attn_layer_norm"
        names.feedForward = ""
        names.feedForwardNorm = "final_layer_norm"
        names.attentionProjection = "out_proj"
        names.expansion = "fc1"
        names.projection = "fc2"
        return names
    }()
}
