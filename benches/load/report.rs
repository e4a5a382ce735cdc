//! Figures and their budgets, a column a run.

use serde_json::{Value, json};

/// One figure of one run.
struct Figure {
    value: f64,
    budget: Option<f64>,
}

/// Where and when the figures came to be; without it they say nothing.
pub struct Surroundings {
    /// UTC, to the day.
    date: String,
    cpu: String,
    cores: usize,
    kernel: String,
    /// What the program was measured against.
    server: &'static str,
}

impl Surroundings {
    pub fn now(server: &'static str) -> Surroundings {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": ")).map_or("not known", |(_, model)| model);
        Surroundings {
            date: jiff::Timestamp::now().strftime("%F").to_string(),
            cpu: model.trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            server,
        }
    }

    fn words(&self) -> String {
        let Surroundings { date, cpu, cores, kernel, server } = self;
        format!("200x50, {date}, {cores} cores of {cpu}, Linux {kernel}, against {server}")
    }
}

pub struct Report {
    surroundings: Surroundings,
    /// Numbers of pods.
    runs: Vec<usize>,
    /// What was measured, with a figure for each run that measured it.
    rows: Vec<(String, Vec<Option<Figure>>)>,
}

impl Report {
    pub fn of(surroundings: Surroundings) -> Report {
        Report { surroundings, runs: Vec::new(), rows: Vec::new() }
    }

    /// What is added from now on belongs to a run with so many pods.
    pub fn begin(&mut self, pods: usize) {
        self.runs.push(pods);
    }

    pub fn add(&mut self, name: &str, value: f64, budget: Option<f64>) {
        eprintln!("  {name}: {value:.2}");
        let at = self.rows.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.rows.push((name.to_owned(), Vec::new()));
            self.rows.len() - 1
        });
        let figures = &mut self.rows[at].1;
        figures.resize_with(self.runs.len() - 1, || None);
        figures.push(Some(Figure { value, budget }));
    }

    pub fn print(&self) {
        let columns: Vec<String> = self.runs.iter().map(|pods| format!(" {pods} pods | budget |")).collect();
        println!("\n{}\n\n| figure |{}", self.surroundings.words(), columns.concat());
        println!("| --- |{}", " ---: | ---: |".repeat(self.runs.len()));
        for (name, figures) in &self.rows {
            let cell = |run: usize| match figures.get(run).and_then(Option::as_ref) {
                None => " | |".to_owned(),
                Some(Figure { value, budget: None }) => format!(" {value:.2} | |"),
                Some(Figure { value, budget: Some(most) }) => {
                    let verdict = if value <= most { "met" } else { "MISSED" };
                    format!(" {value:.2} | {most} {verdict} |")
                }
            };
            println!("| {name} |{}", (0..self.runs.len()).map(cell).collect::<String>());
        }
    }

    pub fn json(&self) -> String {
        let run = |(at, pods): (usize, &usize)| {
            let figures: Vec<Value> = self
                .rows
                .iter()
                .filter_map(|(name, figures)| {
                    let figure = figures.get(at)?.as_ref()?;
                    Some(json!({"figure": name, "value": figure.value, "budget": figure.budget}))
                })
                .collect();
            json!({"pods": pods, "columns": 200, "rows": 50, "figures": figures})
        };
        let Surroundings { date, cpu, cores, kernel, server } = &self.surroundings;
        let runs: Vec<Value> = self.runs.iter().enumerate().map(run).collect();
        let report = json!({
            "date": date, "cpu": cpu, "cores": cores, "kernel": kernel, "server": server, "runs": runs,
        });
        format!("{report:#}\n")
    }
}
