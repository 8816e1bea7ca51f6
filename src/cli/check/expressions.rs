//! Expressions of admission policies, as far as they can be evaluated here. The evaluator has no time zones and no type checker: what it
//! cannot do is told, and never guessed.
//!
//! Not by `kube_cel::VapEvaluator`: it has no variables, and an error looks like a denial there.

use std::collections::HashMap;

use kube_cel::{
    KubeCelExt,
    cel::{
        Context, IdedExpr, Value as Cel,
        common::ast::{EntryExpr, Expr},
        parser::Parser,
    },
};
use serde_json::Value;

/// Functions of a timestamp that take a time zone.
const OF_A_TIME: [&str; 10] = [
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
];

/// What expressions can name.
pub(super) struct Scope {
    context: Context<'static>,
    variables: HashMap<String, Cel>,
    /// Variables that have no value here, and why.
    without_value: Vec<(String, String)>,
}

impl Scope {
    /// With these names.
    pub(super) fn of<'a>(named: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut context = Context::default().with_all();
        for (name, value) in named {
            context.add_variable_from_value(name, cel(value));
        }
        Self { context, variables: HashMap::new(), without_value: Vec::new() }
    }

    /// Makes a policy's variable known to the expressions behind it.
    pub(super) fn define(&mut self, name: &str, expression: &str) {
        match self.value(expression) {
            Ok(value) => drop(self.variables.insert(name.to_owned(), value)),
            Err(why) => self.without_value.push((name.to_owned(), why)),
        }
        self.context.add_variable_from_value("variables", self.variables.clone());
    }

    /// Whether it holds, or why nobody can tell here.
    pub(super) fn holds(&self, expression: &str) -> Result<bool, String> {
        match self.value(expression)? {
            Cel::Bool(holds) => Ok(holds),
            other => Err(format!("it answers neither true nor false, but {:?}", other.type_of())),
        }
    }

    /// Its text.
    pub(super) fn text(&self, expression: &str) -> Result<String, String> {
        match self.value(expression)? {
            Cel::String(text) => Ok(text.to_string()),
            other => Err(format!("it answers no text, but {:?}", other.type_of())),
        }
    }

    fn value(&self, expression: &str) -> Result<Cel, String> {
        let parser = Parser::new().enable_optional_syntax(true);
        let parsed = parser.parse(expression).map_err(|error| error.to_string())?;
        if let Some(why) = beyond(&parsed) {
            return Err(why.to_owned());
        }
        self.context.resolve(&parsed).map_err(|error| {
            let named = |(name, _): &&(String, String)| expression.contains(&format!("variables.{name}"));
            let of_variable = self.without_value.iter().find(named);
            of_variable.map_or_else(|| error.to_string(), |(name, why)| format!("variable {name}: {why}"))
        })
    }
}

/// What in an expression the evaluator does not do, or does otherwise than the API server.
fn beyond(expression: &IdedExpr) -> Option<&'static str> {
    match &expression.expr {
        Expr::Call(call) if !call.args.is_empty() && OF_A_TIME.contains(&call.func_name.as_str()) => {
            Some("time zones are known to the API server only")
        }
        Expr::Ident(name) if name == "params" => Some("parameters are known to the API server only"),
        Expr::Ident(name) if name == "authorizer" || name == "request" => {
            Some("who writes, and with which rights, is known to the API server only")
        }
        Expr::Struct(_) | Expr::Unspecified => Some("it makes an object"),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).find_map(beyond),
        Expr::Comprehension(all) => {
            [&all.iter_range, &all.accu_init, &all.loop_cond, &all.loop_step, &all.result].into_iter().find_map(beyond)
        }
        Expr::List(list) => list.elements.iter().find_map(beyond),
        Expr::Map(map) => map.entries.iter().find_map(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => beyond(&entry.key).or_else(|| beyond(&entry.value)),
            EntryExpr::StructField(field) => beyond(&field.value),
        }),
        Expr::Select(select) => beyond(&select.operand),
        Expr::Ident(_) | Expr::Literal(_) => None,
    }
}

/// The value as the API server gives it to expressions: whole numbers are int.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Cel::Float(number.as_f64().unwrap_or_default()), Cel::Int)
        }
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(cel).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), cel(field))).collect::<HashMap<_, _>>().into()
        }
    }
}
