import Files

/// Pairs of a date in English and the same date in ISO 8601: "the third of March, 1998" and "1998-03-03". This translation
/// task needs no file. It shows whether a model generalises, because no validation date occurs in the training pairs.
///
/// The texts are written in many forms:
///
/// - The day is a number ("3"), an ordinal in digits ("3rd"), or an ordinal in words ("third").
/// - The month is a name ("March"), an abbreviation ("Mar", "Mar."), or a number. If it is a number, the year is first.
/// - The order is day, month, year; or month, day, year; or year, month, day.
/// - Some texts begin with the day of the week. Some are in lower case.
///
/// Each text means exactly one date: years have four digits, and "3/4" for a day and a month does not occur.
public enum DatePairs {
    /// The years of the dates.
    public static let years = 1900...2099

    /// One in this many dates is for validation.
    private static let validationShare = 10

    /// Makes pairs. First the dates are divided at random: nine tenths for training, one tenth for validation. Each pair is then
    /// a date of its part in a random form. A date is used again only after all dates of its part have been used.
    /// - Parameters:
    ///   - training: the number of pairs to train with.
    ///   - validation: the number of pairs to validate with, whose dates are in no pair of `training`.
    ///   - seed: what decides dates and forms.
    public static func make(
        training: Int = 50_000, validation: Int = 1_000, seed: UInt64
    ) -> (training: TextPairs, validation: TextPairs) {
        precondition(training >= 0 && validation >= 0, "numbers of pairs are not negative")
        let dates = CalendarDate.all(in: years)
        var random = SplitMix64(seed: seed, purpose: 0x4441_5445_53)
        let order = random.permutation(dates.count)
        let boundary = dates.count / validationShare
        let templates = DateTemplate.all
        func pairs(_ count: Int, of numbers: ArraySlice<Int>) -> [TextPairs.Pair] {
            (0..<count).map { position in
                let date = dates[numbers[numbers.startIndex + position % numbers.count]]
                let text = templates[random.number(below: templates.count)].text(of: date)
                return TextPairs.Pair(source: text, target: date.description)
            }
        }
        func named(_ pairs: [TextPairs.Pair]) -> TextPairs {
            let text = pairs.map { "\($0.source)\t\($0.target)\n" }.joined()
            return TextPairs(
                name: "dates", columns: ("text", "date"), pairs: pairs, sha256: SHA256.hexDigest(of: text.utf8))
        }
        let trainingPairs = pairs(training, of: order[boundary...])
        return (named(trainingPairs), named(pairs(validation, of: order[..<boundary])))
    }
}
