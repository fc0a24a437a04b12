import Models

/// A setting of a training under the name that people know it by: what a resumed run may change, which models it has an effect
/// on, and how its value is read.
///
/// One table decides what a resumed run refuses and what is said about it.
public struct TrainingSetting: Sendable {
    /// What identifies a setting, for those who name it in their own way.
    public enum ID: String, Sendable, CaseIterable {
        case model, family, layers, heads, width, keyValueHeads, positions, context, order
        case tokenizer, validation, batch, accumulate, seed, beta1, beta2
        case steps, minutes, learningRate, warmup, schedule, dropout, precision, weightDecay, clip, patience
        case evaluationInterval, saveInterval, finalEvaluation
    }

    /// As in "the learning rate would change".
    public let name: String
    /// What sets it: two for the length, which is set in steps or in minutes.
    public let ids: [ID]
    /// The kinds of models that it has an effect on.
    public let kinds: Set<ModelSpecification.Kind>
    /// Whether a resumed run may change it. What the weights and moments grew from may not change.
    public let mayChange: Bool
    /// Whether a change of it gives a complete run something to do.
    public let reopensCompleteRun: Bool
    /// The value, as in "would change from 64 to 128".
    public let value: @Sendable (TrainingSettings) -> String

    private init(
        _ name: String, _ ids: ID..., kinds: Set<ModelSpecification.Kind> = trained, mayChange: Bool = false,
        reopensCompleteRun: Bool = false, value: @escaping @Sendable (TrainingSettings) -> String
    ) {
        self.name = name
        self.ids = ids
        self.kinds = kinds
        self.mayChange = mayChange
        self.reopensCompleteRun = reopensCompleteRun
        self.value = value
    }

    private static let everything = Set(ModelSpecification.Kind.allCases)
    /// What learns by gradient descent.
    private static let trained: Set<ModelSpecification.Kind> = [.bigram, .attention, .gpt]

    /// All settings. One whose default follows from another stands after it, so that the
    /// first that differs is the one that was given.
    public static let all: [TrainingSetting] = [
        TrainingSetting("model", .model, kinds: everything) { $0.model.kind.rawValue },
        TrainingSetting("family", .family, kinds: [.gpt]) { $0.transformer?.closestFamily.rawValue ?? "none" },
        TrainingSetting("number of layers", .layers, kinds: [.gpt]) { "\($0.transformer?.layers ?? 0)" },
        TrainingSetting("number of heads", .heads, kinds: [.gpt]) { "\($0.transformer?.heads ?? 0)" },
        TrainingSetting("width", .width, kinds: [.attention, .gpt]) { "\($0.width)" },
        TrainingSetting("number of key and value heads", .keyValueHeads, kinds: [.gpt]) {
            "\($0.transformer?.keyValueHeads ?? 0)"
        },
        TrainingSetting("kind of positions", .positions, kinds: [.gpt]) {
            $0.transformer?.positions.kind.rawValue ?? "none"
        },
        TrainingSetting("context", .context) { "\($0.sequenceLength)" },
        TrainingSetting("order", .order, kinds: [.ngram]) { "\($0.order)" },
        TrainingSetting("tokenizer", .tokenizer, kinds: everything) { $0.tokenizer.description },
        TrainingSetting("validation share", .validation, kinds: everything) { "\($0.validation)" },
        TrainingSetting("batch", .batch) { "\($0.batch)" },
        TrainingSetting("number of accumulated batches", .accumulate) { "\($0.accumulate)" },
        TrainingSetting("seed", .seed) { "\($0.seed)" },
        // The moments are means over as many gradients as these say.
        TrainingSetting("beta1 of AdamW", .beta1) { "\($0.optimizer.beta1)" },
        TrainingSetting("beta2 of AdamW", .beta2) { "\($0.optimizer.beta2)" },

        TrainingSetting("length", .steps, .minutes, mayChange: true, reopensCompleteRun: true) {
            switch $0.length {
            case .steps(let steps): "\(steps) steps"
            case .minutes(let minutes): "\(minutes) minutes"
            }
        },
        TrainingSetting("learning rate", .learningRate, mayChange: true) { "\($0.schedule.peak)" },
        TrainingSetting("warmup", .warmup, mayChange: true) { "\($0.schedule.warmupSteps) steps" },
        TrainingSetting("schedule", .schedule, mayChange: true) { $0.schedule.shape.rawValue },
        TrainingSetting("dropout", .dropout, mayChange: true) { "\($0.dropout)" },
        TrainingSetting("precision", .precision, mayChange: true) { $0.precision.rawValue },
        TrainingSetting("weight decay", .weightDecay, mayChange: true) { "\($0.optimizer.weightDecay)" },
        TrainingSetting("clipping norm", .clip, mayChange: true) { "\($0.optimizer.clip)" },
        TrainingSetting("patience", .patience, mayChange: true, reopensCompleteRun: true) { "\($0.patience)" },
        TrainingSetting("interval of evaluations", .evaluationInterval, mayChange: true) {
            $0.evaluationInterval.map { "\($0)" } ?? "the default"
        },
        TrainingSetting("interval of saves", .saveInterval, mayChange: true) {
            $0.saveEvery.map { "\($0)" } ?? "the default"
        },
        TrainingSetting(
            "extent of the last evaluation", .finalEvaluation, kinds: everything, mayChange: true,
            reopensCompleteRun: true
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
    /// The setting that `id` sets; nil for one that is not in the table.
    public init?(_ id: ID) {
        guard let setting = Self.all.first(where: { $0.ids.contains(id) }) else { return nil }
        self = setting
    }
}

extension TrainingSetting.ID {
    /// The name of the setting, in the middle of a sentence.
    public var name: String {
        switch self {
        case .steps: "number of steps"
        case .minutes: "number of minutes"
        default: TrainingSetting(self)?.name ?? rawValue
        }
    }

    /// Whether the setting has an effect on models of a kind.
    public func hasEffect(on kind: ModelSpecification.Kind) -> Bool {
        TrainingSetting(self)?.kinds.contains(kind) ?? true
    }
}

/// A change of a setting that a resumed run does not allow, or that has no effect on it.
public struct SettingChange: Sendable, Equatable {
    /// What sets it.
    public let ids: [TrainingSetting.ID]
    public let name: String
    public let old: String
    public let new: String

    init(_ setting: TrainingSetting, from old: TrainingSettings, to new: TrainingSettings) {
        ids = setting.ids
        name = setting.name
        self.old = setting.value(old)
        self.new = setting.value(new)
    }
}

extension TrainingSettings {
    fileprivate var transformer: TransformerConfiguration? { if case .transformer(let c) = model { c } else { nil } }

    fileprivate var width: Int {
        switch model {
        case .ngram, .bigram: 0
        case .attention(let c): c.width
        case .transformer(let c): c.width
        }
    }

    fileprivate var order: Int { if case .ngram(let c) = model { c.order } else { 0 } }

    /// The settings whose values are not those of other settings.
    public func differences(from other: TrainingSettings) -> [TrainingSetting] {
        TrainingSetting.all.filter { $0.value(self) != $0.value(other) }
    }

    /// What a resumed run may not change but these settings do.
    func forbiddenChange(from old: TrainingSettings) -> SettingChange? {
        differences(from: old).first { !$0.mayChange }.map { SettingChange($0, from: old, to: self) }
    }

    /// What has no effect on a run that was completed with `old` settings and takes no further step; nil where everything
    /// that is given has an effect.
    func changeWithoutEffect(from old: TrainingSettings) -> SettingChange? {
        differences(from: old).first { !$0.reopensCompleteRun }.map { SettingChange($0, from: old, to: self) }
    }
}
