//! Figures and their budgets.

use serde_json::{Value, json};

pub struct Report {
    pods: usize,
    rows: Vec<(String, f64, Option<f64>)>,
}

impl Report {
    pub fn new(pods: usize) -> Report {
        Report { pods, rows: Vec::new() }
    }

    pub fn add(&mut self, name: &str, value: f64, budget: Option<f64>) {
        eprintln!("  {name}: {value:.2}");
        self.rows.push((name.to_owned(), value, budget));
    }

    pub fn print(&self) {
        println!("\n{} pods, 200x50\n", self.pods);
        println!("| figure | measured | budget | |");
        println!("| --- | ---: | ---: | --- |");
        for (name, value, budget) in &self.rows {
            let (most, verdict) = match budget {
                Some(most) => (format!("{most}"), if value <= most { "met" } else { "MISSED" }),
                None => (String::new(), ""),
            };
            println!("| {name} | {value:.2} | {most} | {verdict} |");
        }
    }

    pub fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|(name, value, budget)| json!({"figure": name, "value": value, "budget": budget}))
            .collect();
        format!("{:#}\n", json!({"pods": self.pods, "columns": 200, "rows": 50, "figures": rows}))
    }
}
