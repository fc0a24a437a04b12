import GPTKit

// The choice of a model and its training by the clock.
extension TrainCommand {
    /// The length of a training whose length was not given, in minutes.
    static let defaultMinutes = 3.0

    /// Whether the recipe chooses the size of the model: unless an option gives one, or the number of steps.
    var usesRecipe: Bool {
        from == nil && training.steps == nil && shape.preset == nil && (shape.model ?? .gpt) == .gpt
            && shape.kvHeads == nil && shape.size.given.isEmpty
    }

    /// Chooses the model and its training for the length of the text and the speed of this machine. Options that were given
    /// keep their values.
    func applyRecipe(
        _ settings: inout TrainingSettings, textTokens: Int, vocabularySize: Int, _ ranks: TrainingRanks
    ) {
        let minutes = training.minutes ?? Self.defaultMinutes
        let precision = training.precision ?? settings.precision
        let speed = ranks.trainingSpeed { TrainingSpeed.measured(precision: precision) }
        let recipe = Recipe(
            textTokens: textTokens, vocabularySize: vocabularySize,
            // The rest is for validations.
            operations: 0.95 * 60 * minutes * speed, family: shape.family ?? .llama)
        settings.apply(recipe)
        // Each rank computes a part of the batch.
        let size = ranks.communicator.size
        settings.batch = (settings.batch + size - 1) / size * size
        // With a number of steps, the run can be repeated exactly.
        if training.minutes == nil || recipe.isLimitedByText { settings.length = recipe.settings.length }
        shape.apply(to: &settings)
        var options = training
        if recipe.isLimitedByText { options.minutes = nil }
        options.apply(to: &settings)
        let time = recipe.isLimitedByText ? recipe.operations / speed / 57 : minutes
        let about = time < 1 ? counted(max(1, Int((60 * time).rounded())), "second") : "\(fixed(time, 1)) minutes"
        remark(
            "Recipe: \(about) at \(Int((speed / 1e9).rounded())) GFLOP/s, \(fixed(recipe.passes, 1)) passes over the text."
        )
        if recipe.isLimitedByText {
            remark(
                "The text is too short for \(fixed(minutes, 1)) minutes: a model does not improve after "
                    + "\(Int(recipe.passes.rounded())) passes over it. --steps trains longer.")
        }
    }
}
