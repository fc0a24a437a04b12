/// A setting that is out of range, and a description of the problem.
///
/// The setting and the description are separate, so that each user interface can use its own name for the setting: a
/// command the name of its option, a web page the label of its field.
public struct SettingProblem: Error, Equatable, CustomStringConvertible {
    /// The setting; nil if the problem concerns several settings, or a part of the model.
    public let setting: TrainingSetting.ID?
    /// The text that follows the name, such as "is 0, which is not between 1 and 10". If `setting` is nil, the whole
    /// sentence.
    public let predicate: String

    init(_ setting: TrainingSetting.ID?, _ predicate: String) {
        self.setting = setting
        self.predicate = predicate
    }

    /// The problem in one line. `name` returns the name of the setting.
    public func description(naming name: (TrainingSetting.ID) -> String) -> String {
        (setting.map { name($0) + " " } ?? "") + predicate
    }

    public var description: String { description { "the \($0.name)" } }
}
