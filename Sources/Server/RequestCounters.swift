import Inference
import Synchronization

/// The number of requests, by the status of their responses.
final class RequestCounters: Sendable {
    private let statuses = Mutex<[Int: Int]>([:])
    private let number = Atomic(0)

    func count(status: Int) { statuses.withLock { $0[status, default: 0] += 1 } }

    func nextNumber() -> Int { number.add(1, ordering: .relaxed).newValue }

    var byStatus: [(status: Int, count: Int)] {
        statuses.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }
}

extension API {
    /// The counters of the server in the text format of Prometheus.
    func metrics() async -> String {
        var lines: [String] = []
        func family(_ name: String, _ type: String, _ help: String) {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
        }
        family("gpt_requests_total", "counter", "Requests, by the status of their responses.")
        for (status, count) in counters.byStatus { lines.append("gpt_requests_total{status=\"\(status)\"} \(count)") }
        var rows: [(String, EngineStatistics)] = []
        for model in models {
            guard case .language(let language) = model.kind else { continue }
            rows.append((label(model.id), await language.engine.statistics))
        }
        func values(_ name: String, _ type: String, _ help: String, _ value: (EngineStatistics) -> Int) {
            family(name, type, help)
            for (label, statistics) in rows { lines.append("\(name){model=\"\(label)\"} \(value(statistics))") }
        }
        values("gpt_prompt_tokens_total", "counter", "Tokens of prompts that were processed.", \.promptTokens)
        values(
            "gpt_shared_prompt_tokens_total", "counter",
            "Tokens of prompts that another prompt had in common, and that were not processed again.",
            \.sharedPromptTokens)
        values("gpt_generated_tokens_total", "counter", "Tokens that were generated.", \.generatedTokens)
        values("gpt_steps_total", "counter", "Steps of the model, each with a token of every text.", \.steps)
        values("gpt_texts_running", "gauge", "Texts that are being generated.", \.running)
        values("gpt_texts_waiting", "gauge", "Texts that wait for others to end.", \.waiting)
        return lines.joined(separator: "\n") + "\n"
    }

    /// A value of a label, in which three characters are escaped.
    private func label(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
