// ... existing code ...

#[cfg(test)]
mod tests {
    // ... existing code ...

    mod names {
        // ... existing code ...

        #[test]
        fn free_names_leave_out_bound_ones() {
            let expr = parse("let a = b; a + max(c, a, d)").unwrap();
            let names: Vec<&str> = expr.free_names().into_iter().collect();
            assert_eq!(names, ["b", "c", "d"]);
        }
    }

    // ... existing code ...
}
