//! Trains a classifier of speeches, and compares it with its baselines.

import GPTKit

// snippet.data
// Who speaks? The speeches of the play that comes with the library, labelled with their speakers.
let texts = try Speeches.labelled(BuiltInCorpus.named)
// snippet.end

// snippet.train
var settings = DefaultSettings.settings(for: .classify)
settings.length = .steps(150)
let source = try LabelledSource(texts, settings)  // a part of each speaker's speeches is for validation
let run = try TaskRun(settings, source, origin: .speeches(.builtIn))
_ = try run.run()
// snippet.end

// snippet.use
let classifier = TextClassifier(run.trainer.task.encoder, tokenizer: run.tokenizer)
let score = try ClassifierEvaluation(classifier, on: source.validation).score
let majority = MajorityBaseline(source.training).score(source.validation)
let naiveBayes = NaiveBayes(source.training).score(source.validation)
print("accuracy \(score.accuracy), most frequent \(majority.accuracy), naive Bayes \(naiveBayes.accuracy)")
print(try classifier.classify(["Where is the bread?"])[0].label)
// snippet.end
