//! Loads a model from its directory, and continues a prompt: `swift run -c release ContinueAPrompt model "ROMEO:"`.

import GPTKit

let arguments = CommandLine.arguments.dropFirst()
let path = arguments.first ?? "model"
let prompt = arguments.dropFirst().first ?? ""

// snippet.load
let saved = try ModelDirectory.load(path)
let generator = try TextGenerator(saved)
// snippet.end

// snippet.generate
let settings = GenerationSettings(temperature: 0.8, topP: 0.95, seed: 7)
try generator.generate(after: generator.encode(prompt: prompt), length: 300, settings: settings, stops: ["\n\n"]) {
    _, text in print(text, terminator: "")
}
print()
// snippet.end
