import Tokenizers

/// What can go wrong with a training that a person can do something about, in one line.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A text with fewer characters than a window of training and something to validate on need.
    case textTooShort(name: String, characters: Int, needed: Int, context: Int)
    /// A text of which a tokenizer makes too few tokens for a window of training and something to validate on.
    case tooFewTokens(name: String, training: Int, validation: Int, context: Int)
    /// A character at `position` of a text that the tokenizer of a model has no word for.
    case unknownCharacter(Unicode.Scalar, name: String, position: Int, alphabet: Int)
    /// A setting out of its range.
    case invalid(SettingProblem)
    /// What was asked for and cannot be had.
    case setting(String)
    /// A model that this machine has no room for.
    case tooLarge(needed: Double, available: Double, parameters: Double)
    /// A loss or gradient norm that is not a finite number, before the update that would have spread it.
    case notFinite(what: String, value: Double, step: Int)
    /// A text, tokenizer or shape that is not the one a run began with.
    case changed(directory: String, what: String)
    /// A setting that a resumed run may not change.
    case settingChanged(directory: String, SettingChange)
    /// A change that has no effect on a complete run.
    case changeWithoutEffect(directory: String, SettingChange)
    /// A directory that is not free for a new run.
    case occupied(directory: String, RunDirectory.Occupant)
    /// A directory in which no run can be started or resumed.
    case directory(String)
    /// A checkpoint that is not as it was written.
    case damaged(path: String, reason: String)

    public var description: String {
        switch self {
        case .textTooShort(let name, let characters, let needed, let context):
            "\(name) is too short: it has \(characters) \(characters == 1 ? "character" : "characters"), and a context "
                + "of \(context) needs at least \(needed); give a longer text or a smaller context"
        case .tooFewTokens(let name, let training, let validation, let context):
            "\(name) is too short: it has \(training) training tokens and \(validation) validation tokens, and a context of "
                + "\(context) needs at least \(context + 1) and 2; give a longer text, a smaller context or a smaller "
                + "vocabulary"
        case .unknownCharacter(let character, let name, let position, let alphabet):
            "\(name): the character \(shown(character)) at position \(position) is not among the \(alphabet) characters "
                + "of the model's tokenizer; train a new model on this text, or start from a model whose tokenizer can "
                + "encode any text (byte or bpe:1024)"
        case .invalid(let problem): problem.description
        case .setting(let problem): problem
        case .tooLarge(let needed, let available, let parameters):
            "the model is too large for this machine: training \(Self.count(parameters)) parameters needs about "
                + "\(Self.gigabytes(needed)), and \(Self.gigabytes(available)) are available; "
                + "choose fewer layers, a smaller width, context or batch"
        case .notFinite(let what, let value, let step):
            "the \(what) of step \(step) is \(value.spelling): the run stopped before that update, and its last saved model is kept; "
                + "try a lower learning rate or a longer warmup"
        case .changed(let directory, let what): "cannot resume \(directory): \(what)"
        case .settingChanged(let directory, let change):
            "cannot resume \(directory): the \(change.name) would change from \(change.old) to \(change.new); keep it, or start a "
                + "new run"
        case .changeWithoutEffect(let directory, let change):
            "cannot resume \(directory): the run is complete, so a change of the \(change.name) has no effect; keep it, or "
                + "also increase the number of steps or minutes"
        case .occupied(let directory, let occupant): "\(directory) \(occupant.words): choose another directory"
        case .directory(let problem): problem
        case .damaged(let path, let reason): "cannot read \(path): \(reason)"
        }
    }

    private static func gigabytes(_ bytes: Double) -> String {
        bytes < 1e9 ? "\(Int((bytes / 1e6).rounded(.up))) MB" : "\(decimal(bytes / 1e9)) GB"
    }

    private static func count(_ number: Double) -> String {
        if number < 1e6 { return "\(Int(number))" }
        return number < 1e9 ? "\(decimal(number / 1e6)) million" : "\(decimal(number / 1e9)) billion"
    }

    private static func decimal(_ value: Double) -> String {
        value < 1e15 ? "\((value * 10).rounded() / 10)" : "\(value)"
    }
}

extension Double {
    /// The number in its shortest form. One that is not a number is "nan", whatever its sign bit: that of the result of an
    /// operation without one differs between processors.
    package var spelling: String { isNaN ? "nan" : "\(self)" }
}
