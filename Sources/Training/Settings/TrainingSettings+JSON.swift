import Models
import StrictJSON
import Tensors

/// The settings as JSON, for training/settings.json and for checkpoints.
extension TrainingSettings {
    package var json: JSON {
        var object = JSONObject()
        object["task"] = task == .text ? nil : .string(task.rawValue)
        object["model"] = .string(model.kind.rawValue)
        switch model {
        case .ngram(let c): object["order"] = .int(c.order)
        case .bigram: break
        case .attention(let c): object["width"] = .int(c.width)
        case .transformer(let c):
            object["family"] = .string(c.closestFamily.rawValue)
            object["key_value_heads"] = .int(c.keyValueHeads)
            object["positions"] = .string(c.positions.kind.rawValue)
            object["layers"] = .int(c.layers)
            object["heads"] = .int(c.heads)
            object["width"] = .int(c.width)
        case .encoder(let c):
            object["layers"] = .int(c.layers)
            object["heads"] = .int(c.heads)
            object["width"] = .int(c.width)
        case .encoderDecoder(let c):
            object["layers"] = .int(c.encoder.layers)
            object["heads"] = .int(c.encoder.heads)
            object["width"] = .int(c.width)
        }
        object["context"] = .int(sequenceLength)
        object["tokenizer"] = .string(tokenizer.description)
        object["from"] = initialModel.map(JSON.string)
        object["validation"] = .double(validation)
        object["chat_template"] = chatTemplate.map(JSON.string)
        object["document_separator"] = documentSeparator.map(JSON.string)
        object["special_tokens"] = specialTokens == .text ? nil : .string(specialTokens.rawValue)
        object["joins_texts"] = joinsTexts ? true : nil
        switch length {
        case .steps(let steps): object["steps"] = .int(steps)
        case .minutes(let minutes): object["minutes"] = .double(minutes)
        }
        object["batch"] = .int(batch)
        object["accumulate"] = .int(accumulate)
        object["learning_rate"] = .double(schedule.peak)
        object["warmup"] = .int(schedule.warmupSteps)
        object["schedule"] = .string(schedule.shape.rawValue)
        object["optimizer"] = optimizer.method == .adamW ? nil : .string(optimizer.method.rawValue)
        object["beta1"] = .double(optimizer.beta1)
        object["beta2"] = .double(optimizer.beta2)
        object["epsilon"] = .double(optimizer.epsilon)
        object["weight_decay"] = .double(optimizer.weightDecay)
        object["clip"] = .double(optimizer.clip)
        object["dropout"] = .double(dropout)
        object["label_smoothing"] = labelSmoothing == 0 ? nil : .double(labelSmoothing)
        object["precision"] = .string(precision.rawValue)
        // The seed is a string, because many JSON parsers read numbers of this size as doubles.
        object["seed"] = .string("\(seed)")
        object["patience"] = .int(patience)
        object["evaluate_every"] = evaluateEvery.map(JSON.int)
        object["save_every"] = saveEvery.map(JSON.int)
        switch finalEvaluation {
        case .affordable: break
        case .windows(let count): object["final_evaluation"] = .int(count)
        case .all: object["final_evaluation"] = "all"
        }
        return .object(object)
    }

    /// Reads settings.
    /// - Parameters:
    ///   - json: the value of `json`.
    ///   - model: the model, if it is recorded beside the settings, which do not describe it completely; nil to create
    ///     it from the settings.
    /// - Throws: `MalformedRecord` if a value is missing or invalid.
    package init(_ json: JSON, model: ModelSpecification? = nil) throws(MalformedRecord) {
        let record = JSONRecord(json)
        guard let kind = ModelSpecification.Kind(rawValue: try record.string("model")) else {
            throw record.wrong("model")
        }
        let context = try record.int("context")
        let specification =
            if let model { model } else { try ModelSpecification(kind, context: context, recordedIn: record) }
        guard specification.kind == kind else { throw record.wrong("model") }
        guard let tokenizer = TokenizerSpecification(recorded: try record.string("tokenizer")) else {
            throw record.wrong("tokenizer")
        }
        let length: Length =
            if let steps = try record.optionalInt("steps") { .steps(steps) } else {
                .minutes(try record.double("minutes"))
            }
        guard let scheduleShape = LearningRateSchedule.Shape(rawValue: try record.string("schedule")) else {
            throw record.wrong("schedule")
        }
        guard let precision = Precision(rawValue: try record.optionalString("precision") ?? "f32") else {
            throw record.wrong("precision")
        }
        guard let method = Optimizer.Method(rawValue: try record.optionalString("optimizer") ?? "adamw") else {
            throw record.wrong("optimizer")
        }
        guard let seed = UInt64(try record.string("seed")) else { throw record.wrong("seed") }
        self.init(
            model: specification, sequenceLength: context, tokenizer: tokenizer,
            validation: try record.double("validation"), length: length,
            batch: try record.int("batch"), accumulate: try record.int("accumulate"),
            schedule: LearningRateSchedule(
                peak: try record.double("learning_rate"), warmupSteps: try record.int("warmup"), shape: scheduleShape),
            optimizer: Optimizer.Settings(
                method: method, beta1: try record.double("beta1"), beta2: try record.double("beta2"),
                epsilon: try record.double("epsilon"), weightDecay: try record.double("weight_decay"),
                clip: try record.double("clip")),
            dropout: try record.double("dropout"), precision: precision, seed: seed,
            patience: try record.int("patience"),
            evaluateEvery: try record.optionalInt("evaluate_every"), saveEvery: try record.optionalInt("save_every"))
        switch json["final_evaluation"] {
        case nil: break
        case "all"?: finalEvaluation = .all
        default: finalEvaluation = .windows(try record.int("final_evaluation"))
        }
        task = try record.optionalCase("task") ?? .text
        labelSmoothing = try record.optionalDouble("label_smoothing") ?? 0
        if json["from"] != nil { initialModel = try record.string("from") }
        documentSeparator = try record.optionalString("document_separator")
        chatTemplate = try record.optionalString("chat_template")
        specialTokens = try record.optionalCase("special_tokens") ?? .text
        if let value = json["joins_texts"] {
            guard let joins = value.boolValue else { throw record.wrong("joins_texts") }
            joinsTexts = joins
        }
        if let problem { throw MalformedRecord(description: problem.description) }
    }
}

extension ModelSpecification {
    /// The model that the settings describe, without its vocabulary size.
    fileprivate init(_ kind: Kind, context: Int, recordedIn record: JSONRecord) throws(MalformedRecord) {
        switch kind {
        case .ngram: self = .ngram(.init(order: try record.int("order")))
        case .bigram: self = .bigram(.init())
        case .attention: self = .attention(.init(contextLength: context, width: try record.int("width")))
        case .gpt:
            var configuration = TransformerConfiguration(
                try record.optionalCase("family") ?? .gpt2, vocabularySize: Self.unknownVocabularySize,
                contextLength: context, layers: try record.int("layers"), heads: try record.int("heads"),
                width: try record.int("width"), keyValueHeads: try record.optionalInt("key_value_heads"))
            if let kind: Positions.Kind = try record.optionalCase("positions"), kind != configuration.positions.kind {
                configuration.positions = Positions(kind)
            }
            self = .transformer(configuration)
        case .encoder, .encoderDecoder:
            // Checkpoints contain the configuration of the model, and had it before there were encoders.
            throw record.wrong("model")
        }
    }
}

extension JSONRecord {
    /// The enumeration case whose raw value is the string `name`; nil if it is absent.
    fileprivate func optionalCase<Value: RawRepresentable<String>>(_ name: String) throws(MalformedRecord) -> Value? {
        guard let text = try optionalString(name) else { return nil }
        guard let value = Value(rawValue: text) else { throw wrong(name) }
        return value
    }
}

extension TrainingProgress {
    package var json: JSON {
        var object = JSONObject()
        object["step"] = .int(step)
        object["seconds"] = .double(seconds)
        object["learning_rate"] = .double(learningRate)
        object["gradient_norm"] = .double(gradientNorm)
        object["evaluations"] = .int(evaluations)
        object["evaluated_step"] = evaluatedStep.map(JSON.int)
        object["last_validation_loss"] = lastValue.map(JSON.double)
        object["evaluation_windows"] = evaluationWindows.map(JSON.int)
        object["best_validation_loss"] = bestValue.map(JSON.double)
        object["best_step"] = bestStep.map(JSON.int)
        object["evaluations_since_best"] = .int(evaluationsSinceBest)
        object["instruction_set"] = instructionSet.map { .string($0.rawValue) }
        object["loss_sum"] = .double(lossSum)
        object["loss_count"] = .int(lossCount)
        if let final { object.add(final) }
        return .object(object)
    }

    package init(_ json: JSON) throws(MalformedRecord) {
        let record = JSONRecord(json)
        self.init()
        step = try record.int("step")
        seconds = try record.double("seconds")
        learningRate = try record.double("learning_rate")
        gradientNorm = try record.double("gradient_norm")
        evaluations = try record.int("evaluations")
        evaluatedStep = try record.optionalInt("evaluated_step")
        lastValue = try record.optionalDouble("last_validation_loss")
        evaluationWindows = try record.optionalInt("evaluation_windows")
        bestValue = try record.optionalDouble("best_validation_loss")
        bestStep = try record.optionalInt("best_step")
        evaluationsSinceBest = try record.int("evaluations_since_best")
        instructionSet = try record.optionalString("instruction_set").flatMap(InstructionSet.init)
        lossSum = try record.double("loss_sum")
        lossCount = try record.int("loss_count")
        if let value = try record.optionalDouble("final_validation_loss") {
            let windows = try record.optionalInt("final_validation_windows") ?? 0
            final = ValidationResult(
                value: value, windows: windows, allWindows: try record.optionalInt("validation_windows") ?? windows,
                standardError: try record.optionalDouble("final_validation_standard_error"))
        }
        let steps = 0...TrainingSettings.greatestStep, counts = 0...1 << 40
        guard [step, evaluatedStep ?? 0, bestStep ?? 0].allSatisfy(steps.contains),
            [
                evaluations, evaluationWindows ?? 0, evaluationsSinceBest, lossCount, final?.windows ?? 0,
                final?.allWindows ?? 0,
            ].allSatisfy(counts.contains),
            seconds >= 0, seconds < 1e12
        else {
            throw MalformedRecord(description: "its progress is impossible")
        }
    }
}

extension JSONObject {
    /// Adds the result of a final evaluation: the loss, the number of scored windows, the number of all windows, and
    /// the standard error.
    mutating func add(_ result: ValidationResult) {
        self["final_validation_loss"] = .double(result.value)
        self["final_validation_windows"] = .int(result.windows)
        self["validation_windows"] = .int(result.allWindows)
        self["final_validation_standard_error"] = result.standardError.map(JSON.double)
    }
}
