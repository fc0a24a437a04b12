extension ChatTemplate {
    /// Templates for the formats of known families, and one without special tokens.
    ///
    /// | name | format |
    /// |---|---|
    /// | `chatml` | `<\|im_start\|>role`, a line break, the content, `<\|im_end\|>`, a line break |
    /// | `llama3` | `<\|start_header_id\|>role<\|end_header_id\|>`, two line breaks, the content without white space at its ends, `<\|eot_id\|>` |
    /// | `gemma` | `<start_of_turn>role`, a line break, the content, `<end_of_turn>`, a line break; the assistant is `model`, and the text of the system is in the first message of the user |
    /// | `mistral` | `[INST] user[/INST] assistant` and the end-of-text token; the text of the system is in the first message of the user |
    /// | `plain` | `User: ...`, `Assistant: ...`, each with the end-of-text token, if there is one, after what the assistant says, and an empty line |
    ///
    /// All but `chatml` and `plain` begin with `bos_token`; `mistral` and `plain` use `eos_token`. A variable that is not given
    /// is empty.
    public static let builtIn: [(name: String, template: ChatTemplate)] = sources.compactMap { name, source in
        (try? ChatTemplate(source)).map { (name, $0) }
    }

    /// The template of this name; nil if there is none.
    public static func builtIn(named name: String) -> ChatTemplate? { builtIn.first { $0.name == name }?.template }

    private static let sources: [(name: String, source: String)] = [
        ("chatml", chatml), ("llama3", llama3), ("gemma", gemma), ("mistral", mistral), ("plain", plain),
    ]

    private static let chatml = #"""
        {%- for turn in messages %}
            {{- '<|im_start|>' ~ turn.role ~ '\n' ~ turn.content ~ '<|im_end|>\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
        """#

    private static let llama3 = #"""
        {%- macro header(role) %}{{ '<|start_header_id|>' ~ role ~ '<|end_header_id|>\n\n' }}{% endmacro %}
        {{- bos_token }}
        {%- for turn in messages %}{{ header(turn.role) ~ (turn.content | trim) ~ '<|eot_id|>' }}{% endfor %}
        {%- if add_generation_prompt %}{{ header('assistant') }}{% endif %}
        """#

    private static let gemma = #"""
        {%- set state = namespace(system='', expected='user') %}
        {{- bos_token }}
        {%- for turn in messages %}
            {%- if turn.role == 'system' and loop.first %}
                {%- set state.system = (turn.content | trim) ~ '\n\n' %}
                {%- continue %}
            {%- endif %}
            {%- if turn.role != state.expected %}
                {{- raise_exception('user and assistant must alternate, beginning with the user') }}
            {%- endif %}
            {{- '<start_of_turn>' ~ ('user' if turn.role == 'user' else 'model') ~ '\n' }}
            {{- state.system ~ (turn.content | trim) ~ '<end_of_turn>\n' }}
            {%- set state.system = '' %}
            {%- set state.expected = 'assistant' if turn.role == 'user' else 'user' %}
        {%- endfor %}
        {%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}
        """#

    private static let mistral = #"""
        {%- set state = namespace(system='', expected='user') %}
        {{- bos_token }}
        {%- for turn in messages %}
            {%- if turn.role == 'system' and loop.first %}
                {%- set state.system = turn.content ~ '\n\n' %}
                {%- continue %}
            {%- endif %}
            {%- if turn.role != state.expected %}
                {{- raise_exception('user and assistant must alternate, beginning with the user') }}
            {%- endif %}
            {%- if turn.role == 'user' %}
                {{- '[INST] ' ~ state.system ~ turn.content ~ '[/INST]' }}
                {%- set state.system = '' %}
                {%- set state.expected = 'assistant' %}
            {%- else %}
                {{- ' ' ~ turn.content ~ eos_token }}
                {%- set state.expected = 'user' %}
            {%- endif %}
        {%- endfor %}
        """#

    private static let plain = #"""
        {%- for turn in messages %}
            {{- (turn.role | capitalize) ~ ': ' ~ (turn.content | trim) }}
            {%- if turn.role == 'assistant' %}{{ eos_token }}{% endif %}
            {{- '\n\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}
        """#
}
