"""Templates in the styles of published families, written for these tests, and conversations to render with them."""

TIME = 1718449200  # 15 June 2024, 11:00 UTC

TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "The weather <in> a \"city\" & more",
     "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1.5}},
                    "required": ["city"]}}},
    {"type": "function", "function": {"name": "heure", "description": "L'heure d'été", "parameters": {"type": "object", "properties": {}}}},
]

SYSTEM = {"role": "system", "content": "  Answer briefly.\n"}
HELLO = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hi, how are you?"}]
CONVERSATIONS = {
    "empty": [],
    "question": [{"role": "user", "content": "What is 1 + 1?"}],
    "answered": HELLO,
    "turns": HELLO + [{"role": "user", "content": " fine\n"}, {"role": "assistant", "content": "\n good  "}, {"role": "user", "content": "bye"}],
    "answered twice": HELLO + [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "Well."}],
    "system": [SYSTEM, {"role": "user", "content": "Who?"}],
    "system and turns": [SYSTEM] + HELLO + [{"role": "user", "content": "Again"}, {"role": "assistant", "content": "No."}],
    "unicode": [{"role": "user", "content": "Grüße 😀 é e\u0301 \u2028 中文\r\n"}, {"role": "assistant", "content": "\u00a0ΑΣ\u3000"}],
    "no content": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}],
    "thinking": [{"role": "user", "content": "2 + 2"}, {"role": "assistant", "content": "<think>\nadd\n</think>\n\n4"},
                 {"role": "user", "content": "sure?"}, {"role": "assistant", "content": "<think>check</think>yes", "reasoning_content": "again"}],
    "calls": [{"role": "user", "content": "Weather in Köln?"},
              {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "id": "call00001", "function": {"name": "weather", "arguments": {"city": "Köln", "days": 2}}}]},
              {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "{\"sky\": \"grey\"}"}, {"role": "tool", "content": "late"},
              {"role": "assistant", "content": "Grey."}],
    "wrong order": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    "assistant first": [{"role": "assistant", "content": "Welcome"}, {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": "So?"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "image"}, {"type": "text", "text": "two"}]}],
}

TEMPLATES = {}

TEMPLATES["chatml"] = r"""{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + m['role'] + '\n' + (m['content'] or '') + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

TEMPLATES["chatml in lines"] = r"""
{%- for m in messages %}
<|im_start|>{{ m.role }}
    {% if m.role == 'assistant' %}
        {% generation %}
{{ m.content }}<|im_end|>
        {% endgeneration %}
    {% else %}
{{ m.content }}<|im_end|>
    {% endif %}

{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
"""

TEMPLATES["qwen"] = r"""
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages and messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{% endif %}
    {{- "# Functions\n\nEach function is a line of JSON:\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}{{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- elif messages and messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(searching=true, last=messages | length - 1) %}
{%- for m in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if ns.searching and m.role == "user" and m.content is string and not (m.content.startswith('<result>') and m.content.endswith('</result>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for m in messages %}
    {%- if m.content is string %}{% set text = m.content %}{% else %}{% set text = '' %}{% endif %}
    {%- if m.role == "user" or (m.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + m.role + '\n' + text + '<|im_end|>' + '\n' }}
    {%- elif m.role == "assistant" %}
        {%- set thoughts = '' %}
        {%- if m.reasoning_content is string %}
            {%- set thoughts = m.reasoning_content %}
        {%- elif '</think>' in text %}
            {%- set thoughts = text.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set text = text.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and thoughts)) %}
            {{- '<|im_start|>' + m.role + '\n<think>\n' + thoughts.strip('\n') + '\n</think>\n\n' + text.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>' + m.role + '\n' + text }}
        {%- endif %}
        {%- for call in m.tool_calls or [] %}
            {%- if (loop.first and text) or (not loop.first) %}{{- '\n' }}{% endif %}
            {%- if call.function %}{% set call = call.function %}{% endif %}
            {{- '<call>\n{"name": "' ~ call.name ~ '", "arguments": ' }}
            {%- if call.arguments is string %}{{- call.arguments }}{% else %}{{- call.arguments | tojson }}{% endif %}
            {{- '}\n</call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif m.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{% endif %}
        {{- '\n<result>\n' ~ text ~ '\n</result>' }}
        {%- if loop.last or loop.nextitem.role != "tool" %}{{- '<|im_end|>\n' }}{% endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{% endif %}
{%- endif %}"""

TEMPLATES["llama 2"] = r"""{% if messages and messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set intro = '<<SYS>>\n' + messages[0]['content'] | trim + '\n<</SYS>>\n\n' %}{% else %}{% set rest = messages %}{% set intro = '' %}{% endif %}{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must be user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 %}{% set content = intro + m['content'] %}{% else %}{% set content = m['content'] %}{% endif %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif m['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""

TEMPLATES["llama 3"] = r"""
{{- bos_token }}
{%- if custom_tools is defined %}{% set tools = custom_tools %}{% endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = strftime_now("%d %b %Y") if strftime_now is defined else "01 Jan 2024" %}
{%- endif %}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none %}{{- "Environment: ipython\n" }}{% endif %}
{{- "Today: " + date_string + "\n\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {{- "Functions:\n\n" }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\n\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("There is no first message of the user for the tools!") }}
    {%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\n\nCall one of:\n\n' -}}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\n\n" }}{% endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("One call at once!") }}{% endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {%- if call.name in ['search', 'weather'] %}
            {{- "<|python_tag|>" + call.name + ".call(" }}
            {%- for name, value in call.arguments | items %}
                {{- name + '="' ~ value ~ '"' }}{% if not loop.last %}{{- ", " }}{% endif %}
            {%- endfor %}
            {{- ")<|eom_id|>" }}
        {%- else %}
            {{- '{"name": "' + call.name + '", "parameters": ' }}{{- call.arguments | tojson }}{{- "}<|eot_id|>" }}
        {%- endif %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{% else %}{{- message.content }}{% endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""

TEMPLATES["gemma"] = r"""{{ bos_token }}
{%- if messages and messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set prefix = "" -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for m in turns -%}
    {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("The roles must alternate, " ~ loop.index ~ " is \"" + m.role + "\"\nsee above") }}
    {%- endif -%}
    {%- if (m['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = m['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (prefix if loop.first else "") }}
    {%- if m['content'] is string -%}
        {{ m['content'] | trim }}
    {%- elif m['content'] is iterable -%}
        {%- for item in m['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\n'}}
{%- endif -%}
"""

TEMPLATES["mistral"] = r"""
{%- if messages and messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, roles must alternate user/assistant/user/assistant/...") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}{% else %}{{- '"' + key + '": ' + val|tojson }}{% endif %}
                    {%- if not loop.last %}{{- ", " }}{% endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{% else %}{{- "]" }}{% endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}{{- raise_exception("Tool call IDs have nine letters!") }}{% endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}{{- ", " }}{% else %}{{- "]" + eos_token }}{% endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool" %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content|string + "}" }}
        {{- "[/TOOL_RESULTS]" }}
    {%- else %}
        {{- raise_exception("Only user, assistant and tool roles") }}
    {%- endif %}
{%- endfor %}"""

TEMPLATES["phi"] = r"""{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% elif message.content is string %}{{ '<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>' + '\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"""

TEMPLATES["deepseek"] = r"""{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, system='', is_output_first=true) %}{%- for m in messages %}{%- if m['role'] == 'system' %}{% set ns.system = m['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system}}{%- for m in messages %}{%- if m['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' ~ m['content']}}{%- endif %}{%- if m['role'] == 'assistant' and not m['content'] %}{%- set ns.is_tool = true -%}{%- for call in m['tool_calls'] or [] %}{%- if not ns.is_first %}{{'<｜Assistant｜><｜calls▁begin｜>' + call['type'] + '<｜sep｜>' + call['function']['name'] + '\n' + '```json' + '\n' + (call['function']['arguments'] | tojson) + '\n' + '```' + '<｜call▁end｜>'}}{%- set ns.is_first = true -%}{%- endif %}{%- endfor %}{%- endif %}{%- if m['role'] == 'assistant' and m['content'] %}{%- if ns.is_tool %}{{'<｜outputs▁end｜>' + m['content'] + '<｜end▁of▁sentence｜>'}}{%- set ns.is_tool = false -%}{%- else %}{% set content = m['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endif %}{%- if m['role'] == 'tool' %}{%- set ns.is_tool = true -%}{%- if ns.is_output_first %}{{'<｜outputs▁begin｜><｜output▁begin｜>' + m['content'] + '<｜output▁end｜>'}}{%- set ns.is_output_first = false %}{%- else %}{{'\n<｜output▁begin｜>' + m['content'] + '<｜output▁end｜>'}}{%- endif %}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'<｜outputs▁end｜>'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\n'}}{% endif %}"""

TEMPLATES["vicuna"] = r"""{% set roles = {'user': 'USER', 'assistant': 'ASSISTANT'} %}{%- for m in messages -%}
    {%- if m.role == 'system' and loop.first %}{{ m.content | trim ~ ' ' }}{% continue %}{% endif -%}
    {{ roles.get(m.role, m.role | upper) }}: {{ m.content }}{{ eos_token if m.role == 'assistant' else ' ' }}
{%- endfor %}
{%- if add_generation_prompt %}ASSISTANT:{% endif %}"""

TEMPLATES["schemas"] = r"""
{%- macro type_of(spec) -%}
    {%- set names = {'string': 'str', 'integer': 'int', 'object': 'dict'} -%}
    {%- if spec.type == 'object' and spec.properties -%}
        {{ '{' }}{% for name, inner in spec.properties | dictsort %}{{ name }}: {{ type_of(inner) }}{{ ', ' if not loop.last }}{% endfor %}{{ '}' }}
    {%- else -%}
        {{ names[spec.type] | default('Any') }}{% if spec.default is defined %} = {{ spec.default }}{% endif %}
    {%- endif -%}
{%- endmacro -%}
{%- macro say(role, text='', end='<|end|>') %}<|{{ role }}|>{{ text }}{{ caller() if caller is defined else '' }}{{ end }}{% endmacro -%}
{% if tools %}{% call say('system', end='\n') %}
{% for tool in tools %}def {{ tool.function.name }}({{ type_of(tool.function.parameters) }}):  # {{ tool.function.description | replace('"', "'") }}
{% endfor %}{% endcall %}{% endif %}
{%- for m in messages %}
    {%- set text %}{{ m.content if m.content is string else m.content | map(attribute='text', default='[image]') | join('|') }}{% endset %}
    {%- if m.role == 'assistant' %}<|assistant|>{% generation %}{{ text | trim }}<|end|>{% endgeneration %}{% else %}{{ say(m.role, text) }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ say('assistant', end='') }}{% endif %}"""
