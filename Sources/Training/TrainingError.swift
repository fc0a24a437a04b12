import Tokenizers

/// An error of a training run that the user can correct, with a message of one line.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A text that is too short for a training window and a validation part.
    case textTooShort(name: String, characters: Int, needed: Int, context: Int)
    /// A text whose encoding has too few tokens for a training window and a validation part.
    case tooFewTokens(name: String, training: Int, validation: Int, context: Int)
    /// A character at `position` of a text that is not in the vocabulary of the model's tokenizer.
    case unknownCharacter(Unicode.Scalar, name: String, position: Int, alphabet: Int)
    /// A setting that is out of range.
    case invalid(SettingProblem)
    /// A setting that is not valid, with the message.
    case setting(String)
    /// A model that does not fit into the memory of this machine.
    case tooLarge(needed: Double, available: Double, parameters: Double)
    /// A loss or gradient norm that is not finite. It is thrown before the update, so that the weights stay valid.
    case notFinite(what: String, value: Double, step: Int)
    /// A text, tokenizer or shape that differs from the one with which the run was started.
    case changed(directory: String, what: String)
    /// A setting that a resumed run may not change.
    case settingChanged(directory: String, SettingChange)
    /// A change that has no effect on a complete run.
    case changeWithoutEffect(directory: String, SettingChange)
    /// A directory that cannot be used for a new run, because it is not empty.
    case occupied(directory: String, RunDirectory.Occupant)
    /// A directory in which no run can be started or resumed, with the message.
    case directory(String)
    /// A damaged checkpoint.
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
            "the \(what) of step \(step) is \(value.spelling): the run stopped, and its last saved model is kept; "
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
    /// The number in its shortest form. NaN is always "nan": the sign bit of a NaN result differs between processors.
    package var spelling: String { isNaN ? "nan" : "\(self)" }
}
