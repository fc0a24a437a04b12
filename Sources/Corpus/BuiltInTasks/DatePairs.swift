import Files

/// Dates as people write them, and as ISO 8601 does: "the third of March, 1998" and "1998-03-03". A task of translation that
/// needs no file, is learned in a minute, and shows whether a model generalises: it is validated on dates that it has not seen.
///
/// The day is a number ("3"), an ordinal in digits ("3rd") or in words ("third"); the month is a name or its abbreviation
/// ("Mar", "Mar."), or a number where the year comes first; the order is day, month, year or month, day, year or year, month,
/// day; the right day of the week may come first; letters may all be small. No text stands for two dates: where the month is
/// a number the year comes first, and years have four digits.
public enum DatePairs {
    /// The years of the dates.
    public static let years = 1900...2099

    /// One in this many dates is for validation.
    private static let validationShare = 10

    /// Makes pairs. The dates are divided at random first, nine to one, and each pair is a date of its part in a form drawn at
    /// random; dates repeat only when all of the part were used.
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
