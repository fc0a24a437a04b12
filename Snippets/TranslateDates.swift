//! Trains a translator of dates, and translates a date that it has not seen.

import GPTKit

// snippet.data
// Pairs such as "the third of March, 1998" and "1998-03-03". No date of the validation pairs is in the training pairs.
let pairs = DatePairs.make(training: 10_000, validation: 200, seed: 1)
print(pairs.training.pairs[0])
// snippet.end

// snippet.train
var settings = DefaultSettings.settings(for: .translate)
settings.length = .steps(300)
let source = PairSource(training: pairs.training, validation: pairs.validation)
let run = try TaskRun(settings, source, origin: .dates)
_ = try run.run()
// snippet.end

// snippet.use
let translator = Translator(run.trainer.task.encoderDecoder, tokenizer: run.tokenizer)
print(try translator.translate("the third of March, 1998"))
let evaluation = try TranslationEvaluation(translator, on: run.trainer.task.data)
print("exact matches \(evaluation.score.exactMatch), loss \(evaluation.loss) nats per token")
// snippet.end
