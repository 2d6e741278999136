func noteID(r *http.Request) (int64, error) {
<<<<<<< ours
	return strconv.ParseInt(r.PathValue("id"), 10, 64)
=======
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 63)
	return int64(id), err
>>>>>>> theirs
}
