import Models

/// A setting of a training under the name that people know it by: what a resumed run may change, which models it has an effect
/// on, and how its value is read.
///
/// One table decides what a resumed run refuses and what the help says about it.
public struct TrainingSetting: Sendable {
    /// As in "the learning rate would change".
    public let name: String
    /// The options of `gpt train` that set it.
    public let options: [String]
    /// The kinds of models that it has an effect on.
    public let kinds: Set<ModelKind>
    /// Whether a resumed run may change it. What the weights and moments grew from may not.
    public let mayChange: Bool
    /// Whether a change of it gives a run that is complete something to do.
    public let reopensCompleteRun: Bool
    /// The value, as in "would change from 64 to 128".
    public let value: @Sendable (TrainingSettings) -> String

    private init(
        _ name: String, _ options: String..., kinds: Set<ModelKind> = trained, mayChange: Bool = false,
        reopensCompleteRun: Bool = false, value: @escaping @Sendable (TrainingSettings) -> String
    ) {
        self.name = name
        self.options = options
        self.kinds = kinds
        self.mayChange = mayChange
        self.reopensCompleteRun = reopensCompleteRun
        self.value = value
    }

    private static let everything = Set(ModelKind.allCases)
    /// What learns by gradient descent.
    private static let trained: Set<ModelKind> = [.bigram, .attention, .gpt]

    /// All settings that an option of `gpt train` sets. One whose default follows from another stands after it, so that the
    /// first that differs is the one that was given.
    public static let all: [TrainingSetting] = [
        TrainingSetting("model", "--model", kinds: everything) { $0.shape.kind.rawValue },
        TrainingSetting("family", "--family", kinds: [.gpt]) { $0.shape.options[0] },
        TrainingSetting("number of layers", "--layers", kinds: [.gpt]) { "\($0.shape.layers)" },
        TrainingSetting("number of heads", "--heads", kinds: [.gpt]) { "\($0.shape.heads)" },
        TrainingSetting("width", "--width", kinds: [.attention, .gpt]) { "\($0.shape.width)" },
        TrainingSetting("number of key and value heads", "--kv-heads", kinds: [.gpt]) { $0.shape.options[1] },
        TrainingSetting("kind of positions", "--positions", kinds: [.gpt]) { $0.shape.options[2] },
        TrainingSetting("context", "--context") { "\($0.shape.context)" },
        TrainingSetting("order", "--order", kinds: [.ngram]) { "\($0.shape.order)" },
        TrainingSetting("tokenizer", "--tokenizer", kinds: everything) { $0.tokenizer.description },
        TrainingSetting("validation share", "--validation", kinds: everything) { "\($0.validation)" },
        TrainingSetting("batch", "--batch") { "\($0.batch)" },
        TrainingSetting("number of accumulated batches", "--accumulate") { "\($0.accumulate)" },
        TrainingSetting("seed", "--seed") { "\($0.seed)" },
        // The moments are means over as many gradients as these say.
        TrainingSetting("beta1 of AdamW", "--beta1") { "\($0.optimizer.beta1)" },
        TrainingSetting("beta2 of AdamW", "--beta2") { "\($0.optimizer.beta2)" },

        TrainingSetting("length", "--steps", "--minutes", mayChange: true, reopensCompleteRun: true) {
            switch $0.length {
            case .steps(let steps): "\(steps) steps"
            case .minutes(let minutes): "\(minutes) minutes"
            }
        },
        TrainingSetting("learning rate", "--lr", mayChange: true) { "\($0.schedule.peak)" },
        TrainingSetting("warmup", "--warmup", mayChange: true) { "\($0.schedule.warmupSteps) steps" },
        TrainingSetting("schedule", "--schedule", mayChange: true) { $0.schedule.shape.rawValue },
        TrainingSetting("dropout", "--dropout", mayChange: true) { "\($0.dropout)" },
        TrainingSetting("precision", "--precision", mayChange: true) { $0.precision.rawValue },
        TrainingSetting("weight decay", "--decay", mayChange: true) { "\($0.optimizer.weightDecay)" },
        TrainingSetting("clipping norm", "--clip", mayChange: true) { "\($0.optimizer.clip)" },
        TrainingSetting("patience", "--patience", mayChange: true, reopensCompleteRun: true) { "\($0.patience)" },
        TrainingSetting("interval of evaluations", "--evaluate-every", mayChange: true) {
            $0.evaluationInterval.map { "\($0)" } ?? "the default"
        },
        TrainingSetting("interval of saves", "--save-every", mayChange: true) {
            $0.saveEvery.map { "\($0)" } ?? "the default"
        },
        TrainingSetting(
            "extent of the last evaluation", "--evaluate", kinds: everything, mayChange: true, reopensCompleteRun: true
        ) {
            switch $0.finalEvaluation {
            case .affordable: "the default"
            case .windows(let count): "\(count) windows"
            case .all: "all windows"
            }
        },
    ]
}

extension TrainingSetting {
    /// Whether an option has an effect on models of a kind. An option without a setting in the table always has one.
    public static func hasEffect(_ option: String, on kind: ModelKind) -> Bool {
        all.first { $0.options.contains(option) }?.kinds.contains(kind) ?? true
    }

    /// What a resumed run may change, in sentences.
    public static var resumption: String {
        func list(_ mayChange: Bool) -> String {
            all.filter { $0.mayChange == mayChange }.flatMap(\.options).joined(separator: ", ")
        }
        return
            "Options that can be changed: \(list(true)), --threads. Options that must be the same as before, like the text: "
            + "\(list(false))."
    }
}

extension TrainingSettings {
    /// The settings whose values are not those of other settings.
    public func differences(from other: TrainingSettings) -> [TrainingSetting] {
        TrainingSetting.all.filter { $0.value(self) != $0.value(other) }
    }

    /// What a resumed run may not change but these settings do, in words.
    func forbiddenChange(from old: TrainingSettings) -> String? {
        differences(from: old).first { !$0.mayChange }.map { setting in
            "the \(setting.name) would change from \(setting.value(old)) to \(setting.value(self)); leave out "
                + "\(setting.options.joined(separator: " and ")), or start a new run"
        }
    }

    /// What has no effect on a run that was completed with `old` settings and takes no further step, in words; nil where
    /// everything that is given has one.
    func changeInVain(from old: TrainingSettings) -> String? {
        guard let change = differences(from: old).first(where: { !$0.reopensCompleteRun }) else { return nil }
        return "the run is complete, so a change of the \(change.name) has no effect; leave out "
            + "\(change.options.joined(separator: " and ")), or also give a larger --steps or --minutes"
    }
}
