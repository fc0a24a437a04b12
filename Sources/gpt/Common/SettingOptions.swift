import GPTKit

// The command-line option of each setting. This is the only table that maps settings to options.
extension TrainingSetting.ID {
    /// The option of `gpt train` for this setting.
    var option: String {
        switch self {
        case .task: "--task"
        case .model: "--model"
        case .family: "--family"
        case .layers: "--layers"
        case .heads: "--heads"
        case .width: "--width"
        case .keyValueHeads: "--kv-heads"
        case .positions: "--positions"
        case .context: "--context"
        case .order: "--order"
        case .tokenizer: "--tokenizer"
        case .validation: "--validation"
        case .documentSeparator: "--document-separator"
        case .specialTokens: "--special"
        case .chatTemplate: "--chat-template"
        case .batch: "--batch"
        case .accumulate: "--accumulate"
        case .seed: "--seed"
        case .optimizer: "--optimizer"
        case .beta1: "--beta1"
        case .beta2: "--beta2"
        case .steps: "--steps"
        case .minutes: "--minutes"
        case .learningRate: "--lr"
        case .warmup: "--warmup"
        case .schedule: "--schedule"
        case .dropout: "--dropout"
        case .labelSmoothing: "--label-smoothing"
        case .precision: "--precision"
        case .weightDecay: "--decay"
        case .clip: "--clip"
        case .patience: "--patience"
        case .evaluationInterval: "--evaluate-every"
        case .saveInterval: "--save-every"
        case .finalEvaluation: "--evaluate"
        }
    }

    /// The setting of an option; nil for an option without a setting.
    init?(option: String) {
        guard let id = Self.allCases.first(where: { $0.option == option }) else { return nil }
        self = id
    }
}

extension TrainingSetting {
    /// Help text that lists the settings that a resumed run may change.
    static var resumption: String {
        func list(_ mayChange: Bool) -> String {
            all.filter { $0.mayChange == mayChange }.flatMap(\.ids).map(\.option).joined(separator: ", ")
        }
        return
            "Options that can be changed: \(list(true)), --threads. Options that must be the same as before, like the text: "
            + "\(list(false))."
    }
}

/// An error message of one line. Settings are named by their options, and the message says which option solves the
/// problem.
func commandMessage(_ error: any Error) -> String {
    switch error {
    case let problem as SettingProblem: return problem.description(naming: \.option)
    case let error as TrainingError:
        func options(_ change: SettingChange) -> String { change.ids.map(\.option).joined(separator: " and ") }
        switch error {
        case .invalid(let problem): return commandMessage(problem)
        case .settingChanged(let directory, let change):
            return
                "cannot resume \(directory): the \(change.name) would change from \(change.old) to \(change.new); leave out "
                + "\(options(change)), or start a new run"
        case .changeWithoutEffect(let directory, let change):
            return
                "cannot resume \(directory): the run is complete, so a change of the \(change.name) has no effect; leave "
                + "out \(options(change)), or also give a larger --steps or --minutes"
        case .occupied(let directory, .unfinished):
            return "\(directory) \(RunDirectory.Occupant.unfinished.words): continue it with 'gpt train --resume "
                + "\(shellWord(directory))', or choose another directory with --out"
        case .occupied(let directory, .incompleteSave):
            return
                "\(directory) \(RunDirectory.Occupant.incompleteSave.words): delete it, or choose another directory with "
                + "--out"
        case .occupied(let directory, let occupant):
            return "\(directory) \(occupant.words): choose another directory with --out"
        default: return error.description
        }
    case let error as ModelError where error.isEdit:
        return error.description.replacing("accept edited files", with: "use --accept-edited-files")
    default: return "\(error)"
    }
}
