import Corpus
import Testing

@Suite("Pairs of dates")
struct DatePairsTests {
    private static let pairs = DatePairs.make(training: 2_000, validation: 200, seed: 1)
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]
    private static let ordinals = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth",
        "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
        "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
        "twenty-seventh",
        "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
    ]

    /// What a person reads in a date, in a way of its own: words for months and ordinals, numbers by their size and place, and
    /// the day of the week; nil if it is not a date.
    private static func reading(of text: String) -> (date: String, weekday: String?)? {
        var month: Int?, day: Int?, year: Int?, weekday: String?
        var numbers: [Substring] = []
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "-" }
        for word in words.flatMap({ ordinals.contains(String($0)) ? [$0] : $0.split(separator: "-") }) {
            if let index = months.firstIndex(where: { $0 == word || $0.prefix(3) == word }) {
                month = index + 1
            } else if let index = ordinals.firstIndex(of: String(word)) {
                day = index + 1
            } else if word.hasSuffix("day") || ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].contains(word) {
                weekday = String(word.prefix(3))
            } else if let first = word.first, first.isNumber {
                numbers.append(word)
            } else if !["the", "of"].contains(word) {
                return nil
            }
        }
        for number in numbers {
            let digits = number.prefix { $0.isNumber }
            switch digits.count {
            case 8:
                (year, month, day) = (Int(digits.prefix(4)), Int(digits.dropFirst(4).prefix(2)), Int(digits.suffix(2)))
            case 4: year = Int(digits)
            default:
                // Numbers of both month and day come after the year, the month first.
                if month == nil, numbers.count == 3 { month = Int(digits) } else { day = Int(digits) }
            }
            let suffix = number.dropFirst(digits.count)
            let value = Int(digits) ?? 0
            let right = (11...13).contains(value) ? "th" : [1: "st", 2: "nd", 3: "rd"][value % 10] ?? "th"
            guard suffix.isEmpty || suffix == right else { return nil }
        }
        guard let year, let month, let day else { return nil }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return ("\(year)-\(two(month))-\(two(day))", weekday)
    }

    /// The day of the week by counting days from 1900-01-01, a Monday.
    private static let weekdays: [String: String] = {
        var weekdays: [String: String] = [:], count = 0
        for year in 1900...2099 {
            let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
            for (month, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for day in 1...days {
                    let parts = [month + 1, day].map { $0 < 10 ? "0\($0)" : "\($0)" }
                    weekdays["\(year)-\(parts[0])-\(parts[1])"] =
                        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][count % 7]
                    count += 1
                }
            }
        }
        return weekdays
    }()

    @Test("Every text is its date, and the day of the week is right")
    func meaning() throws {
        var dated = 0
        for pair in Self.pairs.training.pairs + Self.pairs.validation.pairs {
            let reading = try #require(Self.reading(of: pair.source), "\(pair.source) is no date")
            #expect(reading.date == pair.target, "\(pair.source) is not \(pair.target)")
            let weekday = try #require(Self.weekdays[pair.target], "\(pair.target) does not exist")
            if let named = reading.weekday {
                #expect(named == weekday, "\(pair.source)")
                dated += 1
            }
        }
        #expect(dated > 200)
    }

    @Test("The forms are many, and among them those that people write")
    func forms() {
        let texts = Self.pairs.training.pairs.map(\.source)
        let shapes = Set(texts.map { text in String(text.map { $0.isNumber ? "0" : $0.isLetter ? "x" : $0 }) })
        #expect(shapes.count > 100)
        for form: Regex in [
            /the [a-z-]+ of [A-Z][a-z]+, \d{4}/, /\d+ [A-Z][a-z]+ \d{4}/, /[A-Z][a-z]{2}\. \d+th, \d{4}/,
            /\d{4}\/\d\d\/\d\d/,
            /[A-Z][a-z]+day, .*/, /[a-z]+ \d+, \d{4}/, /\d{8}/,
        ] { #expect(texts.contains { $0.wholeMatch(of: form) != nil }) }
        #expect(texts.allSatisfy { $0.utf8.count <= 60 && $0.utf8.allSatisfy { (0x20...0x7A).contains($0) } })
    }

    @Test("No date of the validation part is in the training part, though all dates are used")
    func unseen() {
        let pairs = DatePairs.make(training: 70_000, validation: 8_000, seed: 5)
        let seen = Set(pairs.training.pairs.map(\.target)), held = Set(pairs.validation.pairs.map(\.target))
        #expect(seen.isDisjoint(with: held))
        #expect(seen.count + held.count == 73_049)
        #expect(Set(Self.pairs.training.pairs.map(\.target)).count == 2_000)
    }

    @Test("The seed decides them")
    func seeds() {
        #expect(DatePairs.make(training: 2_000, validation: 200, seed: 1).training.pairs == Self.pairs.training.pairs)
        #expect(
            DatePairs.make(training: 10, validation: 10, seed: 2).training.pairs
                != Array(Self.pairs.training.pairs.prefix(10)))
        #expect(DatePairs.make(training: 0, validation: 0, seed: 2).training.pairs.isEmpty)
    }
}
