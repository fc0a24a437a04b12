import Files
import Interchange
import StrictJSON
import Tensors
import Tokenizers

/// The program, settings and data of a rank. They determine the bits of the weights, so they must be the same on all ranks. The
/// ranks compare their records before the first step.
package struct RankRecord: Equatable, Sendable {
    /// The name of the machine.
    package var host: String
    /// Why the rank cannot train; nil if it can.
    package var failure: String?
    /// The names and values that must be the same, in the order in which they are compared.
    package var entries: [Entry]

    /// Something that must be the same on all ranks.
    package struct Entry: Equatable, Sendable {
        /// As in "not the same texts".
        let name: String
        let value: JSON
        /// What to do if it differs.
        let advice: String
    }

    /// The record of a rank that cannot train.
    /// - Parameters:
    ///   - host: the name of the machine.
    ///   - failure: the reason, in a line.
    package init(host: String, failure: String) {
        self.host = host
        self.failure = failure
        entries = []
    }

    /// The record of a rank that is ready to train.
    /// - Parameters:
    ///   - host: the name of the machine.
    ///   - program: a hash of the program.
    ///   - trainer: what trains.
    ///   - tokenizer: the tokenizer of the data.
    package init<Task>(host: String, program: String, _ trainer: Trainer<Task>, tokenizer: any Tokenizer) throws {
        self.host = host
        let settings = trainer.settings
        let sameFiles = "give every rank the same files"
        entries = [
            Entry(name: "program", value: .string(program), advice: "use the same program on all machines"),
            Entry(
                name: "instruction set", value: .string(Execution.current.instructionSet.rawValue),
                advice: "set GPT_KERNELS to one that all machines have"),
            Entry(
                name: "data", value: .array(trainer.task.dataRecord.hashes.map(JSON.string)), advice: sameFiles),
            Entry(
                name: "tokenizer",
                value: .string(SHA256.hexDigest(of: try TokenizerFile.contents(for: tokenizer).utf8)), advice: sameFiles
            ),
            Entry(
                name: "settings", value: settings.json,
                advice: "give the same options to every rank, --precision among them"),
            Entry(
                name: "division of the optimizer", value: .int(settings.optimizerShards),
                advice: "give the same options to every rank"),
            Entry(name: "model", value: .object(settings.model.json()), advice: sameFiles),
            Entry(name: "step", value: .int(trainer.progress.step), advice: sameFiles),
        ]
    }

    /// What prevents the ranks from training together, in a line; nil if nothing does.
    /// - Parameter records: those of all ranks.
    package static func problem(_ records: [RankRecord]) -> String? {
        if let (rank, record) = records.enumerated().first(where: { $0.element.failure != nil }) {
            return "rank \(rank) on \(record.host): \(record.failure ?? "")"
        }
        for (rank, record) in records.enumerated().dropFirst() where record.entries != records[0].entries {
            guard let (own, first) = zip(record.entries, records[0].entries).first(where: { $0 != $1 }) else {
                continue
            }
            // Of hashes it is enough to know that they differ.
            var difference = ""
            switch own.value {
            case .object: difference = own.value.difference(from: first.value).map { " (\($0))" } ?? ""
            case .string(let value) where value.utf8.count < 20:
                if case .string(let other) = first.value { difference = " (\(value), not \(other))" }
            default: break
            }
            return "rank \(rank) on \(record.host) does not have the same \(own.name) as rank 0 on \(records[0].host)"
                + "\(difference.count > 200 ? "" : difference), so they would not compute the same bits; \(own.advice)"
        }
        return nil
    }

    // MARK: Messages

    /// The record as a message.
    package var bytes: [UInt8] {
        var object = JSONObject([("host", .string(host))])
        object["failure"] = failure.map(JSON.string)
        object["entries"] = .array(
            entries.map { entry in
                .object(
                    JSONObject([
                        ("name", .string(entry.name)), ("value", entry.value), ("advice", .string(entry.advice)),
                    ]))
            })
        return Array(JSON.object(object).serialized().utf8)
    }

    /// The record in a message.
    package init(_ bytes: [UInt8]) throws {
        guard case .object(let object) = try JSON(parsing: bytes), case .string(let host)? = object["host"],
            case .array(let entries)? = object["entries"]
        else { throw TrainingError.setting("another rank runs another program; use the same program on all machines") }
        self.host = host
        if case .string(let failure)? = object["failure"] { self.failure = failure }
        self.entries = entries.compactMap { entry in
            guard case .object(let entry) = entry, case .string(let name)? = entry["name"], let value = entry["value"],
                case .string(let advice)? = entry["advice"]
            else { return nil }
            return Entry(name: name, value: value, advice: advice)
        }
    }
}
