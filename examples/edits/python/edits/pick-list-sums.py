# ... unchanged ...


def pick_list(order):
    """Group the lines of an order by storage bin, equal articles summed.

    The bins come in the order of their names.
    """
    bins = defaultdict(lambda: defaultdict(int))
    for item, quantity in order:
        bins[item.bin][item.sku] += quantity
    return [(name, sorted(entries.items())) for name, entries in sorted(bins.items())]


# ... unchanged ...
