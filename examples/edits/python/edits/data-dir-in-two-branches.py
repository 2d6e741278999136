def data_dir():
    return os.path.join(config.base_folder(), APP)
