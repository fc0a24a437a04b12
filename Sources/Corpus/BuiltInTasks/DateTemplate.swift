/// A form in which a date is written.
struct DateTemplate: Sendable {
    private let parts: [Part]
    private let isLowercase: Bool

    private enum Part: Sendable {
        case words(String)
        case field(Field)
    }

    /// What a template may have in braces.
    private enum Field: String, CaseIterable, Sendable {
        /// 3, 03, 3rd, third.
        case day = "d"
        case twoDigitDay = "dd"
        case ordinal = "th"
        case ordinalWord = "third"
        /// March, Mar, Mar., 03.
        case month = "month"
        case shortMonth = "mon"
        case abbreviatedMonth = "mon."
        case twoDigitMonth = "mm"
        case year = "year"
        /// Tuesday, Tue.
        case weekday = "weekday"
        case shortWeekday = "wkd"
    }

    /// Dates with the name of the month, before which the day of the week may be.
    private static let named = [
        "{d} {month} {year}", "{d} {month}, {year}", "{d} {mon} {year}", "{d} {mon.} {year}", "{th} {month} {year}",
        "{th} {mon} {year}", "{th} of {month} {year}", "the {th} of {month}, {year}", "the {third} of {month}, {year}",
        "the {third} of {month} {year}", "{third} of {month} {year}",
        "{month} {d}, {year}", "{month} {d} {year}", "{mon} {d} {year}", "{mon.} {d}, {year}", "{month} {th}, {year}",
        "{mon.} {th}, {year}", "{month} the {th}, {year}", "{month} the {third}, {year}", "{month} {third}, {year}",
    ]
    /// Dates without a day of the week.
    private static let plain = [
        "{d}-{mon}-{year}", "{dd}-{mon}-{year}", "{year} {month} {d}", "{year}, {month} {d}", "{year} {mon} {dd}",
        "{year}-{mon}-{dd}", "{year}/{mm}/{dd}", "{year}.{mm}.{dd}", "{year}{mm}{dd}",
    ]

    /// Every form: with the day of the week in four ways, one for each of the named ones, and those in small letters too.
    static let all: [DateTemplate] = {
        let weekdays = ["{weekday}, ", "{wkd}, ", "{weekday} ", "{wkd} "]
        let dated = named.enumerated().map { weekdays[$0 % weekdays.count] + $1 }
        return (named + plain + dated).map { DateTemplate($0, isLowercase: false) }
            + named.map { DateTemplate($0, isLowercase: true) }
    }()

    private init(_ pattern: String, isLowercase: Bool) {
        self.isLowercase = isLowercase
        var parts: [Part] = []
        for piece in pattern.split(separator: "{") {
            guard let end = piece.firstIndex(of: "}"), let field = Field(rawValue: String(piece[..<end])) else {
                parts.append(.words(String(piece)))
                continue
            }
            parts.append(.field(field))
            parts.append(.words(String(piece[piece.index(after: end)...])))
        }
        self.parts = parts
    }

    /// A date in this form.
    func text(of date: CalendarDate) -> String {
        let text = parts.map { part in
            switch part {
            case .words(let words): words
            case .field(let field): Self.text(of: field, date)
            }
        }.joined()
        return isLowercase ? text.lowercased() : text
    }

    private static func text(of field: Field, _ date: CalendarDate) -> String {
        let month = CalendarDate.months[date.month - 1], weekday = CalendarDate.weekdays[date.weekday]
        switch field {
        case .day: return String(date.day)
        case .twoDigitDay: return CalendarDate.digits(date.day, 2)
        case .ordinal: return ordinal(date.day)
        case .ordinalWord: return ordinalWord(date.day)
        case .month: return month
        case .shortMonth: return String(month.prefix(3))
        // May is whole, so it has no dot.
        case .abbreviatedMonth: return month.count > 3 ? month.prefix(3) + "." : month
        case .twoDigitMonth: return CalendarDate.digits(date.month, 2)
        case .year: return CalendarDate.digits(date.year, 4)
        case .weekday: return weekday
        case .shortWeekday: return String(weekday.prefix(3))
        }
    }

    private static func ordinal(_ day: Int) -> String {
        switch day {
        case 1, 21, 31: "\(day)st"
        case 2, 22: "\(day)nd"
        case 3, 23: "\(day)rd"
        default: "\(day)th"
        }
    }

    private static func ordinalWord(_ day: Int) -> String {
        let words = [
            "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
            "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
        ]
        switch day {
        case 20: return "twentieth"
        case 30: return "thirtieth"
        case 21...29: return "twenty-" + words[day - 21]
        case 31: return "thirty-first"
        default: return words[day - 1]
        }
    }
}
