import Models
import StrictJSON

/// A training setting: its name, whether a resumed run may change it, the kinds of models it applies to, and how to
/// read its value.
///
/// This table is the only definition of which settings apply to which kinds of models, of which changes a resumed run
/// rejects, and of the names in the error messages.
public struct TrainingSetting: Sendable {
    /// An identifier of a setting, for user interfaces with their own names.
    public enum ID: String, Sendable, CaseIterable {
        case task, model, family, layers, heads, width, keyValueHeads, positions, context, order
        case tokenizer, validation, documentSeparator, specialTokens, chatTemplate, batch, accumulate, seed,
            optimizer, beta1, beta2
        case steps, minutes, learningRate, warmup, schedule, dropout, precision, weightDecay, clip, patience,
            labelSmoothing
        case evaluationInterval, saveInterval, finalEvaluation
    }

    /// The name, as in "the learning rate would change".
    public let name: String
    /// The identifiers. The length has two, because it is given in steps or in minutes.
    public let ids: [ID]
    /// The kinds of models that the setting applies to.
    public let kinds: Set<ModelSpecification.Kind>
    /// Whether a resumed run may change the setting. Settings that determined the current weights and moments may not
    /// change.
    public let mayChange: Bool
    /// Whether changing the setting can extend a complete run.
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
    /// The models that predict the next token of a text.
    private static let languageModels = Set(ModelSpecification.Kind.languageModels)
    /// The models that are trained by gradient descent.
    private static let trained: Set<ModelSpecification.Kind> = [.bigram, .attention, .gpt, .encoder, .encoderDecoder]
    /// The models that compute matrix products, and drop activations out. A bigram model looks its logits up.
    private static let computing: Set<ModelSpecification.Kind> = [.attention, .gpt, .encoder, .encoderDecoder]
    /// The transformers.
    private static let transformers: Set<ModelSpecification.Kind> = [.gpt, .encoder, .encoderDecoder]

    /// All settings. If the default of a setting depends on another setting, it comes after that setting, so that the
    /// first difference is the setting that the user changed.
    public static let all: [TrainingSetting] = [
        TrainingSetting("task", .task, kinds: everything) { $0.task.rawValue },
        TrainingSetting("model", .model, kinds: everything) { $0.model.kind.rawValue },
        TrainingSetting("family", .family, kinds: [.gpt]) { $0.transformer?.closestFamily.rawValue ?? "none" },
        TrainingSetting("number of layers", .layers, kinds: transformers) { "\($0.sizes.layers)" },
        TrainingSetting("number of heads", .heads, kinds: transformers) { "\($0.sizes.heads)" },
        TrainingSetting("width", .width, kinds: computing) { "\($0.sizes.width)" },
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
        TrainingSetting("document separator", .documentSeparator, kinds: languageModels) {
            $0.documentSeparator.map { JSON.string($0).serialized() } ?? "none"
        },
        TrainingSetting("treatment of special tokens", .specialTokens, kinds: languageModels) {
            $0.specialTokens.rawValue
        },
        TrainingSetting("chat template", .chatTemplate, kinds: [.bigram, .attention, .gpt]) { settings in
            settings.chatTemplate.map { $0.utf8.count > 20 ? "one in Jinja" : $0 } ?? "the default"
        },
        TrainingSetting("batch", .batch) { "\($0.batch)" },
        TrainingSetting("number of accumulated batches", .accumulate) { "\($0.accumulate)" },
        TrainingSetting("seed", .seed) { "\($0.seed)" },
        // A bigram model has no hidden layers.
        TrainingSetting("optimizer", .optimizer, kinds: computing) { $0.optimizer.method.rawValue },
        // The betas determine over how many gradients the moments are averaged.
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
        TrainingSetting("dropout", .dropout, kinds: computing, mayChange: true) { "\($0.dropout)" },
        TrainingSetting("label smoothing", .labelSmoothing, kinds: [.encoderDecoder], mayChange: true) {
            "\($0.labelSmoothing)"
        },
        TrainingSetting("precision", .precision, kinds: computing, mayChange: true) { $0.precision.rawValue },
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
    /// The setting with the identifier `id`; nil if it is not in the table.
    public init?(_ id: ID) {
        guard let setting = Self.all.first(where: { $0.ids.contains(id) }) else { return nil }
        self = setting
    }
}

extension TrainingSetting.ID {
    /// The name of the setting, for the middle of a sentence.
    public var name: String {
        switch self {
        case .steps: "number of steps"
        case .minutes: "number of minutes"
        default: TrainingSetting(self)?.name ?? rawValue
        }
    }

    /// Whether the setting applies to a kind of model.
    public func hasEffect(on kind: ModelSpecification.Kind) -> Bool {
        TrainingSetting(self)?.kinds.contains(kind) ?? true
    }
}

/// A change of a setting that a resumed run rejects, because it is not allowed or has no effect.
public struct SettingChange: Sendable, Equatable {
    /// The identifiers of the setting.
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

    /// The sizes of the model; 0 for what it does not have.
    fileprivate var sizes: (layers: Int, heads: Int, width: Int) {
        switch model {
        case .ngram, .bigram: (0, 0, 0)
        case .attention(let c): (0, 0, c.width)
        case .transformer(let c): (c.layers, c.heads, c.width)
        case .encoder(let c): (c.layers, c.heads, c.width)
        case .encoderDecoder(let c): (c.encoder.layers, c.encoder.heads, c.width)
        }
    }

    fileprivate var order: Int { if case .ngram(let c) = model { c.order } else { 0 } }

    /// The settings whose values differ from those of `other`.
    public func differences(from other: TrainingSettings) -> [TrainingSetting] {
        TrainingSetting.all.filter { $0.value(self) != $0.value(other) }
    }

    /// The first difference that a resumed run does not allow; nil if there is none.
    func forbiddenChange(from old: TrainingSettings) -> SettingChange? {
        differences(from: old).first { !$0.mayChange }.map { SettingChange($0, from: old, to: self) }
    }

    /// The first difference that has no effect on a run that was completed with the settings `old` and makes no further
    /// steps; nil if there is none.
    func changeWithoutEffect(from old: TrainingSettings) -> SettingChange? {
        differences(from: old).first { !$0.reopensCompleteRun }.map { SettingChange($0, from: old, to: self) }
    }
}
