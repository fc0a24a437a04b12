import Platform

/// The colours of a terminal.
enum TerminalColours {
    /// No colours: the output is no terminal, the terminal has none, or `NO_COLOR` is set (no-color.org).
    case none
    /// The 256 colours of xterm.
    case palette
    /// 24 bits.
    case full

    /// The colours of standard output.
    static let ofOutput = TerminalColours(isTerminal: outputIsTerminal) { name in
        getenv(name).map { String(cString: $0) }
    }

    /// - Parameters:
    ///   - isTerminal: whether the output is a terminal.
    ///   - environment: returns the value of an environment variable.
    init(isTerminal: Bool, environment: (String) -> String?) {
        let terminal = environment("TERM") ?? "dumb"
        guard isTerminal, terminal != "dumb", (environment("NO_COLOR") ?? "").isEmpty else {
            self = .none
            return
        }
        if ["truecolor", "24bit"].contains(environment("COLORTERM")) {
            self = .full
        } else {
            self = terminal.contains("256color") ? .palette : .none
        }
    }

    /// Text on a background between white (0) and red (1).
    func shaded(_ text: String, _ amount: Double) -> String {
        let amount = max(0, min(1, amount))
        switch self {
        case .none: return text
        case .palette:
            // From white to red in the cube of 6 x 6 x 6 colours.
            return "\u{1B}[38;5;16;48;5;\(231 - 7 * Int((amount * 5).rounded()))m\(text)\u{1B}[0m"
        case .full:
            let rest = Int((255 * (1 - amount)).rounded())
            return "\u{1B}[38;2;0;0;0;48;2;255;\(rest);\(rest)m\(text)\u{1B}[0m"
        }
    }
}
