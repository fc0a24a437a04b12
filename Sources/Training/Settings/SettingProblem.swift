/// A setting that is out of its range: which one, and what is wrong with it.
///
/// A value rather than a text, so that whoever shows it can name the setting as their users know it: a command by its option,
/// a page by its field.
public struct SettingProblem: Error, Equatable, CustomStringConvertible {
    /// The setting; nil where several are wrong together, or a part of the model is.
    public let setting: TrainingSetting.ID?
    /// What follows its name: "is 0, which is not between 1 and 10". The whole sentence where there is no setting.
    public let predicate: String

    init(_ setting: TrainingSetting.ID?, _ predicate: String) {
        self.setting = setting
        self.predicate = predicate
    }

    /// The problem in one line, with the setting under the name that `name` gives it.
    public func description(naming name: (TrainingSetting.ID) -> String) -> String {
        (setting.map { name($0) + " " } ?? "") + predicate
    }

    public var description: String { description { "the \($0.name)" } }
}
