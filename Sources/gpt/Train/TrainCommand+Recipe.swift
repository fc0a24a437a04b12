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
    /// - Returns: what was chosen, in sentences.
    func applyRecipe(
        _ settings: inout TrainingSettings, textTokens: Int, vocabularySize: Int, _ ranks: TrainingRanks
    ) -> [String] {
        let minutes = training.minutes ?? Self.defaultMinutes
        let precision = training.precision ?? settings.precision
        let speed = ranks.trainingSpeed { TrainingSpeed.measured(precision: precision) }
        // The rest is for validations.
        let usable = 57 * speed
        let recipe = Recipe(
            textTokens: textTokens, vocabularySize: vocabularySize, operations: minutes * usable,
            family: shape.family ?? .llama)
        settings.apply(recipe)
        // Each rank computes a part of the batch.
        let size = ranks.communicator.size
        settings.batch = (settings.batch + size - 1) / size * size
        shape.apply(to: &settings)
        training.apply(to: &settings)
        // With a number of steps, the run can be repeated exactly.
        if training.minutes == nil || recipe.isLimitedByText { settings.length = recipe.settings.length }
        let time = recipe.operations / usable
        let about = time < 1 ? counted(max(1, Int((60 * time).rounded())), "second") : "\(fixed(time, 1)) minutes"
        let passes = "\(fixed(recipe.passes, 1)) passes over the text"
        let choice = "Recipe: about \(about) at \(Int((speed / 1e9).rounded())) GFLOP/s, \(passes)."
        guard recipe.isLimitedByText else { return [choice] }
        return [
            choice,
            "The text is short: the recipe ends after \(Int(recipe.passes.rounded())) passes over it, instead of "
                + "\(fixed(minutes, 1)) minutes. --steps trains longer.",
        ]
    }
}
